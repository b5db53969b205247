// Generated from the OpenAPI document by `npm run generate:client`. Not to be edited.

export interface paths {
    "/v1/regions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the regions
         * @description Needs no key.
         */
        get: operations["listRegions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/regions/{id}/ca.pem": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the CA of a region's server certificates
         * @description Needs no key. For `sslrootcert`.
         */
        get: operations["getRegionCa"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the plans
         * @description Sizes, standbys and limits. Needs no key.
         */
        get: operations["listPlans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the hosts
         * @description For operators.
         */
        get: operations["listHosts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a host
         * @description For operators.
         */
        get: operations["getHost"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List customers, newest first
         * @description Those that the key can see.
         */
        get: operations["listCustomers"];
        put?: never;
        /**
         * Sign a customer up
         * @description For keys with the scope `provision` or `operator`.
         */
        post: operations["createCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a customer
         * @description One that the key can see.
         */
        get: operations["getCustomer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{customerId}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a customer's API keys, newest first
         * @description Without the keys themselves.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Make an API key
         * @description The key is shown in this answer and never again. A signup flow makes keys for the customers that it signed up; they reach no further than their customer.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{customerId}/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description It is refused from then on.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/provider": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sign in at a provider
         * @description For operators, by OpenID Connect, in a browser. Where there is no provider there is nothing here.
         */
        get: operations["askProvider"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/provider/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Come back from a provider
         * @description With the session's cookie. Who has the claim that makes an operator becomes one at the first sign-in.
         */
        get: operations["createSessionByProvider"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your sessions
         * @description The one that was used last first.
         */
        get: operations["listSessions"];
        put?: never;
        /**
         * Sign in
         * @description With an address and a password. Who has a second factor is answered with a ticket for the second step. It is the same answer, after the same work, whether or not the address is a user's.
         */
        post: operations["createSession"];
        /**
         * Sign out everywhere
         * @description Ends all of your sessions, that which asks among them.
         */
        delete: operations["endAllSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in, second step
         * @description With the ticket of the first step, and a code of the second factor or a recovery code. Each works once.
         */
        post: operations["confirmSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Sign out
         * @description Ends the session that asks.
         */
        delete: operations["endCurrentSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of your sessions
         * @description Such as that of a machine that was lost.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is signed in
         * @description For users; a program has no account.
         */
        get: operations["getAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change your password
         * @description All other sessions of yours end.
         */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set up a second factor
         * @description One-time codes of an authenticator app (TOTP, RFC 6238). It counts once a code was confirmed; until then it may be drawn again.
         */
        post: operations["setUpSecondFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/second-factor/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm a second factor
         * @description With a code that the app shows. Sign-ins ask for one from then on. The recovery codes are shown in this answer and never again.
         */
        post: operations["confirmSecondFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/second-factor/remove": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Remove your second factor
         * @description With the password, and a code or a recovery code. An operator who needs one can then do nothing but set another one up.
         */
        post: operations["removeSecondFactor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/second-factor/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Draw new recovery codes
         * @description Those before end. Shown in this answer and never again.
         */
        post: operations["renewRecoveryCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users, newest first
         * @description Those of the customers that you can see.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Make a user
         * @description With a password that is shown once and has to be changed at the first sign-in; drawn if it is left out. For operators. Everybody else invites, so that nobody but the user ever knows the password.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a user
         * @description One of a customer that you can see.
         */
        get: operations["getUser"];
        put?: never;
        post?: never;
        /**
         * Remove a user
         * @description What they did stays in the record of who did what, under their id.
         */
        delete: operations["removeUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/role": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Give a user another role
         * @description Owners may do all for their customer, members read.
         */
        put: operations["setUserRole"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep a user out
         * @description Their sessions end, and they cannot sign in.
         */
        post: operations["disableUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a user in again
         * @description With the password that they had.
         */
        post: operations["enableUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a user a new password
         * @description Shown once, and to be changed at the next sign-in; with `secondFactor` the second factor is removed, too. Their sessions end. For operators.
         */
        post: operations["resetUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{customerId}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Invite somebody to a customer
         * @description By a mail that is good for seven days, and once; it takes the place of an open one to the same address. A signup flow invites to the customers that it signed up.
         */
        post: operations["inviteUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operators/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Invite an operator
         * @description By a mail, as users of customers are. For operators.
         */
        post: operations["inviteOperator"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List invitations, newest first
         * @description Those of the customers that you can see.
         */
        get: operations["listInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take an invitation back
         * @description It cannot be accepted from then on.
         */
        delete: operations["revokeInvitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept an invitation
         * @description With the token from the mail, and a password of one's own. Sign in with both the address and that password afterwards.
         */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/password-resets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a new password
         * @description By a mail that is good for an hour, and once. The answer is the same whether or not the address is a user's; an address is written to three times an hour at most.
         */
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/password-resets/use": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Choose a new password
         * @description With the token from the mail. All sessions of the user end; a second factor stays.
         */
        post: operations["usePasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List databases, newest first
         * @description Those that the key can see.
         */
        get: operations["listDatabases"];
        put?: never;
        /**
         * Ask for a database
         * @description Answers at once with the credentials and the operation to follow; they work once it has succeeded.
         */
        post: operations["createDatabase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a database
         * @description Its state, its endpoint and its instances.
         */
        get: operations["getDatabase"];
        put?: never;
        post?: never;
        /**
         * Delete a database
         * @description Its clients are cut at once. Its instances and files go as soon as a backup and the WAL after it hold everything that was written, which is made or waited for if need be; the step `secure` tells. Its backups go after seven days. Repeating it answers the same.
         */
        delete: operations["deleteDatabase"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a new password
         * @description The old one stops working, at once or after as many hours as are said; take `user` from the answer, too. Sessions that are open stay open.
         */
        post: operations["rotatePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/switchover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a standby the primary, as planned
         * @description Nothing is lost, and clients of the pooled endpoint only wait. It begins once no transaction is open for long: until then nobody is held up, and its step `quiet` names what it waits for. Asked again while it runs, it answers the same. For operators.
         */
        post: operations["switchover"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/failover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a standby the primary, whatever the primary does
         * @description Nothing that was acknowledged is lost while a standby is in sync. For operators.
         */
        post: operations["failover"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/kept-copies/{keptCopyId}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Remove a kept copy
         * @description What a failover that accepted a loss of data moved aside is removed for good. For operators.
         */
        post: operations["releaseKeptCopy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/automation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause or resume automation
         * @description While it is paused Freehold changes nothing about the database by itself; alerts go on. For operators.
         */
        post: operations["setAutomation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/allow-list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * From where clients may connect
         * @description The networks from which the endpoints let clients in. A new database lets everybody come.
         */
        get: operations["getAllowList"];
        /**
         * Say from where clients may connect
         * @description Answers once the endpoints let nobody else in. Sessions from other addresses are cut; all others go on.
         */
        put: operations["setAllowList"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/extensions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List extensions
         * @description Those that the server has, whether the database has them, and who may make them, with the reason.
         */
        get: operations["listExtensions"];
        put?: never;
        /**
         * Make an extension
         * @description Also one that PostgreSQL gives to superusers alone, if it does no harm; the list says which. Harmless if it is there.
         */
        post: operations["createExtension"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/extensions/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take an extension away
         * @description Refused while something rests on it. Harmless if it is gone.
         */
        delete: operations["dropExtension"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/refusals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Why clients are refused
         * @description Connections to `uri` and `readOnlyUri` that were refused before PostgreSQL heard of them, by reason, and those to `pooledUri` that came from where nobody may. Of anything else the pooler, and PostgreSQL, tell clients themselves.
         */
        get: operations["listRefusals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List roles
         * @description The roles that were made beside the owner, by name, and what they may do.
         */
        get: operations["listRoles"];
        put?: never;
        /**
         * Make a role
         * @description One that only reads, or that reads and writes what the owner has, in every database, with what is made later. Answers with its credentials once they work; the password is shown here and nowhere else.
         */
        post: operations["createRole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/roles/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a role
         * @description Its sessions end, and what it owns goes to the owner. Harmless if it is gone.
         */
        delete: operations["dropRole"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/roles/{name}/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a new password for a role
         * @description The old one stops working. Sessions that are open stay open.
         */
        post: operations["rotateRolePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List operations, newest first
         * @description Those of the databases that the key can see.
         */
        get: operations["listOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read an operation
         * @description With its steps, and what each found.
         */
        get: operations["getOperation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow an operation
         * @description Server-Sent Events: `step` with the whole operation at every change, then `end`. Resumes after `Last-Event-ID`.
         */
        get: operations["followOperation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try again at once
         * @description A step that waits for its next attempt, or a failed operation from its first step on. For operators.
         */
        post: operations["retryOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn back
         * @description At the next step before the point of no return. For operators.
         */
        post: operations["cancelOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alerts, open ones first
         * @description For operators.
         */
        get: operations["listAlerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List who did what, newest first
         * @description What was done, and what was refused. Operators see everything, customers what was done to their own.
         */
        get: operations["listAuditEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit-events/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download who did what, oldest first
         * @description A line each, as JSON or CSV, of all that the same filters find. An export that fails midway aborts the connection and never ends cleanly.
         */
        get: operations["exportAuditEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit-events/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify the whole audit
         * @description Reads the chain of hashes from its beginning and compares it with the hashes that were published. For operators.
         */
        get: operations["verifyAuditEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/backups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the backups of a database, newest first
         * @description With their copies at the backup sites. Those of a deleted database are listed until they are purged.
         */
        get: operations["listBackups"];
        put?: never;
        /**
         * Make a backup now
         * @description Beside the daily one. Asked for while one is made, answers with that.
         */
        post: operations["createBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/backups/{backupId}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Prove a backup now
         * @description It is restored on a spare place, started there, checked relation by relation, and removed again; your own functions in indexes run as your role, and what they do wrong is a remark. Each is proved within a day by itself.
         */
        post: operations["verifyBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/backup-policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See which backups would exist on a day
         * @description And where their copies are. Needs no key.
         */
        get: operations["getBackupPolicy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore a database
         * @description To any second since the oldest backup, to the last that was archived, or to a named backup; into a new database, whose credentials are answered, or in place, and then the present state is kept aside.
         */
        post: operations["restoreDatabase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/undelete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Bring a deleted database back
         * @description As it was when it was deleted, with its endpoint and password, under its own name or another one; until `purgeAt`.
         */
        post: operations["undeleteDatabase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/dump": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a dump of the live data
         * @description A custom-format archive for pg_restore, of one database of the instance: that of the endpoint unless `database` names another. A dump that fails midway aborts the connection and never ends cleanly; a whole one ends with the trailer `Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, and so is one that is not done after twelve hours.
         */
        get: operations["dumpDatabase"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/databases/{id}/dump-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a link to download a dump once
         * @description For a browser, which sends no key. It ends with its time, with its use, and with the key that made it.
         */
        post: operations["createDumpLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dump-links/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a dump by a link
         * @description Once; a link by which nothing was sent can be used again. A dump that fails midway aborts the connection and never ends cleanly; a whole one ends with the trailer `Repr-Digest` (`sha-256`). A client that takes less than a MiB a minute is cut off, and so is one that is not done after twelve hours.
         */
        get: operations["useDumpLink"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /**
         * See whether a link to a dump can be used
         * @description It is not used up by this.
         */
        head: operations["checkDumpLink"];
        patch?: never;
        trace?: never;
    };
    "/v1/hosts/{id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move everything away from a host
         * @description By switchovers and new standbys, a few at a time. A switchover waits, with nobody held up, until no transaction is open for long; the step `move` tells which are waited for. With `?plan=true` it answers what would move, and moves nothing. For operators.
         */
        post: operations["drainHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts/{id}/lost": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Declare a host lost
         * @description Its primaries fail over at once, in parallel; databases of which nothing is left elsewhere are restored from the nearest backup site; standbys are made anew elsewhere. Its report tells what each database was down for and what it may have lost. With `?plan=true` it answers what would happen, and does nothing. For operators.
         */
        post: operations["loseHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hosts/{id}/undrain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Use a host again
         * @description Takes a drain back; what has moved stays where it is. For operators.
         */
        post: operations["undrainHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/data-centers/{id}/evacuate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Move everything away from a data centre
         * @description Drains all its hosts, as a drain of each does. With `?plan=true` it answers what would move, and moves nothing. For operators.
         */
        post: operations["evacuateDataCenter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/data-centers/{id}/lost": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Declare a data centre lost for good
         * @description Its primaries fail over at once, in parallel; databases of which nothing is left elsewhere are restored from the nearest backup site; standbys are made anew elsewhere. Its report tells what each database was down for and what it may have lost. With `?plan=true` it answers what would happen, and does nothing. For operators.
         */
        post: operations["loseDataCenter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/maintenance-windows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List maintenance windows, newest first
         * @description Needs no key.
         */
        get: operations["listMaintenance"];
        put?: never;
        /**
         * Plan a maintenance window
         * @description For a region or one of its hosts: at most an hour, 72 hours ahead, outside 08:00-20:00 on Monday to Friday in the region's own time zone, and the only one of the region within two months unless a reason is given. A time that is not allowed is refused with the nearest ones that are. For operators.
         */
        post: operations["planMaintenance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/maintenance-windows/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a maintenance window
         * @description Needs no key.
         */
        get: operations["getMaintenance"];
        put?: never;
        post?: never;
        /**
         * Call a maintenance window off
         * @description One that runs ends at once. Repeating it answers the same. For operators.
         */
        delete: operations["cancelMaintenance"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uptime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See how long the platform, a region or a database was up in a month
         * @description Needs no key for the platform and its regions; for a database, one that can see it.
         */
        get: operations["getUptime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/outages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List outages, those that were found last first
         * @description Of the databases that the key can see.
         */
        get: operations["listOutages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}/sla-report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what was promised to a customer for a month, and what was measured
         * @description With each database and each outage.
         */
        get: operations["getSlaReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process is alive
         * @description Needs no key.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether requests can be answered
         * @description Metadata, Redis and queues. Needs no key.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Figures for Prometheus
         * @description Needs no key.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Who is signed in, and by what. */
        Account: {
            user: components["schemas"]["User"];
            sessionId: string;
            /** @description For the header `X-CSRF-Token`, with a cookie */
            csrfToken: string | null;
            /**
             * @description What has to be done before anything else
             * @enum {string|null}
             */
            owes: "new-password" | "second-factor" | null;
            hasSecondFactor: boolean;
            recoveryCodesLeft: number;
        };
        /** @description Something that an operator should know; it resolves itself when its cause is gone. */
        Alert: {
            id: string;
            kind: string;
            /** @enum {string} */
            severity: "warning" | "critical";
            subjectId: string | null;
            operationId: string | null;
            message: string;
            /**
             * @description `required`: an operator has to do something now; `none`: it heals by itself
             * @enum {string}
             */
            action: "required" | "none";
            /** @description What to do, or what is done by itself and what to look at if it stays */
            advice: string;
            /** @enum {string} */
            state: "open" | "resolved";
            /** Format: date-time */
            openedAt: string;
            /** Format: date-time */
            resolvedAt: string | null;
        };
        AlertList: {
            data: components["schemas"]["Alert"][];
            nextCursor: string | null;
        };
        /** @description From where clients may connect to a database. */
        AllowList: {
            cidrs: string[];
        };
        /** @description A program's credential; the key itself is shown once, when it is made. */
        ApiKey: {
            /** @example key_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            name: string;
            scopes: string[];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            /** Format: date-time */
            lastUsedAt: string | null;
        };
        ApiKeyList: {
            data: components["schemas"]["ApiKey"][];
            nextCursor: string | null;
        };
        AuditEvent: {
            id: string;
            /** Format: date-time */
            at: string;
            /** @description The credential, or the part of the control plane that acted by itself */
            actor: string;
            action: string;
            /**
             * @description `refused`: the actor may not do that, or cannot see the subject
             * @enum {string}
             */
            result: "done" | "refused";
            subjectId: string | null;
            customerId: string | null;
            /** @description The operation that was asked for, if any */
            operationId: string | null;
            requestId: string | null;
            /** @description Where the request came from */
            address: string | null;
            detail: {
                [key: string]: unknown;
            };
            /** @description Its place in the chain of hashes; null for the first second or so */
            sequence: number | null;
            /** @description The hash of the chain at that place (SHA-256, hexadecimal) */
            hash: string | null;
        };
        AuditEventList: {
            data: components["schemas"]["AuditEvent"][];
            nextCursor: string | null;
        };
        /** @description An audit event a line */
        AuditLines: string;
        AuditVerification: {
            valid: boolean;
            /** @description Entries of the chain */
            entries: number;
            /** @description Entries that have no place in it yet */
            waiting: number;
            /** @description The chain's last hash: keep it elsewhere, and compare with it later */
            hash: string;
            anchors: {
                /** @description Published hashes that are the chain's */
                kept: number;
                /** @description Published hashes that a restore of the metadata has taken back */
                void: number;
                /** @description Lines of the file of published hashes that are none */
                unreadable: number;
            };
            /** @description The first of them */
            findings: {
                /** @enum {string} */
                kind: "changed" | "removed" | "inserted" | "reordered" | "rewritten" | "truncated";
                sequence: number | null;
                eventId: string | null;
                detail: string;
            }[];
            findingsInAll: number;
        };
        /** @description A full backup, and its copies at the backup sites. */
        Backup: {
            /** @example bkp_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            databaseId: string;
            /** @enum {string} */
            kind: "full";
            /** @enum {string} */
            reason: "first" | "scheduled" | "requested" | "hole" | "retry";
            /**
             * Format: date-time
             * @description Null until its first copy is stored
             */
            startedAt: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description What it takes when it is restored */
            sizeBytes: number | null;
            copies: {
                site: string;
                /** @enum {string} */
                state: "pending" | "stored" | "failed" | "expired";
                storedBytes: number | null;
                /**
                 * Format: date-time
                 * @description Until when a copy in cold storage can be neither changed nor removed
                 */
                frozenUntil: string | null;
                error: string | null;
                /** @description What a proof found damaged in this copy */
                damage: string | null;
            }[];
            /**
             * Format: date-time
             * @description When it was last restored and checked; it counts from then on
             */
            provedAt: string | null;
            /** @description What the proof has to tell of your own code, such as an index whose function fails; the backup is sound */
            proofRemarks: string[];
            /** @enum {string|null} */
            keptAs: "daily" | "weekly" | "monthly" | null;
        };
        BackupList: {
            data: components["schemas"]["Backup"][];
            nextCursor: string | null;
        };
        /** @description The days whose backups exist on a day, for a database that is backed up every day. */
        BackupPolicy: {
            /** Format: date */
            on: string;
            daily: string[];
            weekly: string[];
            monthly: string[];
            /** @description Every backup has a copy at each of them; they cannot be chosen or restricted */
            sites: {
                id: string;
                name: string;
                /**
                 * @description ISO 3166
                 * @example DE
                 */
                country: string;
                dataCenter: string;
                /**
                 * @description A frozen copy is written once and cannot change
                 * @enum {string}
                 */
                kind: "live" | "frozen";
            }[];
        };
        /** @description Shown once; a password is not kept. */
        Credentials: {
            user: string;
            password: string;
            /** @description With the password; a session of PostgreSQL itself, at the primary */
            uri: string;
            /** @description With the password; pools by transaction */
            pooledUri: string;
            /** @description With the password; a session at a standby in sync, or at the primary where there is none */
            readOnlyUri: string;
        };
        /** @description The tenant: owns databases and has users. */
        Customer: {
            /** @example cus_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            name: string;
            email: string;
            /** Format: date-time */
            createdAt: string;
        };
        CustomerList: {
            data: components["schemas"]["Customer"][];
            nextCursor: string | null;
        };
        /** @description What a customer owns: one primary, its standbys and one endpoint. */
        Database: {
            /** @example db_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            customerId: string;
            name: string;
            region: string;
            plan: string;
            /**
             * @description What clients of the endpoint meet
             * @enum {string}
             */
            state: "provisioning" | "available" | "degraded" | "failing-over" | "unavailable" | "restoring" | "deleting" | "deleted" | "failed";
            /** @enum {string} */
            automation: "active" | "paused";
            automationReason: string | null;
            postgresVersion: string | null;
            /** @description By what it sorts text; it stays the same, and a restore keeps it */
            locale: string;
            /**
             * @description Whose locale it is
             * @enum {string}
             */
            provider: "libc" | "icu" | "builtin";
            /** @description Goes up by one at each promotion */
            epoch: number;
            /** @description Whether at least one standby is recorded in sync, and was there when it was last looked at */
            inSync: boolean;
            /**
             * Format: date-time
             * @description When the database was last looked at
             */
            observedAt: string | null;
            /** @description Whether it is looked at all the time; if not, `state`, `inSync` and `instances` tell what was last known, as of `observedAt`; reading one database looks at it then */
            watched: boolean;
            endpoint: {
                host: string;
                /** @description That of `uri`; each URI has a port of its own, the same for the life of the database */
                port: number;
                database: string;
                user: string;
                /** @description A session of PostgreSQL itself, at the primary; without the password */
                uri: string;
                /** @description Pools by transaction; without the password */
                pooledUri: string;
                /** @description A session at a standby in sync, or at the primary where there is none; without the password */
                readOnlyUri: string;
            };
            instances: {
                id: string;
                /** @enum {string} */
                role: "primary" | "standby";
                /** @enum {string} */
                state: "starting" | "running" | "fenced" | "lost" | "rebuilding";
                host: string;
                dataCenter: string;
                address: string;
                port: number | null;
                lagBytes: number | null;
                lagSeconds: number | null;
            }[];
            storage: {
                /** @description What its data takes on its primary; null until it was measured */
                usedBytes: number | null;
                /** @description What its plan gives to its data */
                limitBytes: number;
                /**
                 * @description `warning`: more than 80 % are used. `readOnly`: only transactions that begin with `BEGIN READ WRITE` may write, so that there is room to delete and to vacuum. `closed`: nobody is let in
                 * @enum {string}
                 */
                state: "ok" | "warning" | "readOnly" | "closed";
                /**
                 * @description `plan`: its data fills its plan; open again below 95 %. `host`: it fills the disk of a host; open again once there is room
                 * @enum {string|null}
                 */
                because: "plan" | "host" | null;
            };
            /** @description What failovers that accepted a loss of data moved aside, until an operator releases it */
            keptCopies: {
                id: string;
                /** @description Whose data it was; the instance may be gone */
                instanceId: string;
                host: string;
                /** Format: date-time */
                keptAt: string;
                sizeBytes: number;
            }[];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            deletedAt: string | null;
            /**
             * Format: date-time
             * @description When the backups of a deleted database are destroyed
             */
            purgeAt: string | null;
        };
        DatabaseList: {
            data: components["schemas"]["Database"][];
            nextCursor: string | null;
        };
        DatabaseOperationAnswer: {
            database: components["schemas"]["Database"];
            operation: components["schemas"]["Operation"];
        };
        /** @description A link by which a dump is downloaded once, without a key. */
        DumpLink: {
            /**
             * Format: uri
             * @description Shown once; whoever has it can download the dump
             */
            url: string;
            /** Format: date-time */
            expiresAt: string;
        };
        /** @description An extension that the server has. */
        Extension: {
            /** @example earthdistance */
            name: string;
            version: string;
            description: string;
            /**
             * @description `owner`: whoever owns the database makes it, with CREATE EXTENSION or here; `request`: Freehold makes it, here; `refused`: it is not offered; `present`: it is in every database
             * @enum {string}
             */
            access: "owner" | "request" | "refused" | "present";
            /** @description What it is for, or why it is refused */
            why: string;
            /** @description What Freehold makes with it */
            requires: string[];
            installed: {
                version: string;
                schema: string;
                /**
                 * @description Whose it is: who may drop it
                 * @enum {string}
                 */
                by: "freehold" | "owner";
            } | null;
        };
        ExtensionList: {
            data: components["schemas"]["Extension"][];
            nextCursor: string | null;
        };
        /** @description A machine that instances run on. */
        Host: {
            id: string;
            region: string;
            dataCenter: string;
            address: string;
            storageId: string;
            /** @enum {string} */
            state: "active" | "draining" | "lost";
            memoryMb: number;
            promisedMb: number;
            instances: number;
            /**
             * @description How the files of instances that are made on it are encrypted, each database's with a key of its own
             * @enum {string}
             */
            encryptedAtRest: "fscrypt" | "none";
        };
        HostList: {
            data: components["schemas"]["Host"][];
            nextCursor: string | null;
        };
        /** @description A mail by which somebody becomes a user. */
        Invitation: {
            /** @example inv_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            customerId: string | null;
            /** @enum {string} */
            role: "owner" | "member" | "operator";
            email: string;
            /** @enum {string} */
            state: "open" | "accepted" | "revoked" | "expired";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string;
        };
        InvitationList: {
            data: components["schemas"]["Invitation"][];
            nextCursor: string | null;
        };
        Liveness: {
            /** @enum {string} */
            status: "alive";
        };
        /** @description Time that is set aside for work that interrupts; it does not count as downtime. */
        MaintenanceWindow: {
            id: string;
            region: string;
            /** @description Null for the whole region */
            host: string | null;
            /** Format: date-time */
            startsAt: string;
            /** Format: date-time */
            endsAt: string;
            /** @description The region's own, by which business hours are told */
            timeZone: string;
            /** @enum {string} */
            state: "planned" | "running" | "ended" | "cancelled";
            urgent: boolean;
            reason: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            cancelledAt: string | null;
        };
        MaintenanceWindowList: {
            data: components["schemas"]["MaintenanceWindow"][];
            nextCursor: string | null;
        };
        /** @description What would move, and how. */
        MovePlanAnswer: {
            plan: {
                hosts: string[];
                primaries: number;
                standbys: number;
                /** @description Databases that have nothing left elsewhere */
                restores: number;
                moves: {
                    databaseId: string;
                    instanceId: string;
                    hostId: string;
                    role: string;
                    /** @enum {string} */
                    by: "switchover" | "failover" | "restore" | "relocate";
                    /**
                     * @description What the standby had not received (needs acceptDataLoss), or what was not archived yet
                     * @enum {string}
                     */
                    mayLose: "nothing" | "not-received" | "not-archived";
                    /** @description The host that it would go to; null without room */
                    to: string | null;
                    /** @description What a restore would begin with */
                    source: {
                        site: string;
                        backupId: string;
                        backedUpAt: string;
                        sizeBytes: number | null;
                    } | null;
                }[];
            };
        };
        NewApiKey: {
            /** @example key_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            name: string;
            scopes: string[];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            /** Format: date-time */
            lastUsedAt: string | null;
            key: string;
        };
        NewDatabaseAnswer: {
            database: components["schemas"]["Database"];
            operation: components["schemas"]["Operation"];
            credentials: components["schemas"]["Credentials"];
        };
        /** @description It counts once a code of it was confirmed. */
        NewSecondFactor: {
            /** @description In base32, to be typed into an authenticator app */
            secret: string;
            /** @description `otpauth://…`, to be shown as a QR code */
            uri: string;
        };
        /** @description A long-running change, made of named steps. */
        Operation: {
            /** @example op_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            kind: string;
            databaseId: string | null;
            /** @enum {string} */
            state: "pending" | "running" | "succeeded" | "failed" | "cancelled";
            steps: {
                name: string;
                /** @enum {string} */
                state: "pending" | "running" | "succeeded" | "failed" | "skipped";
                attempts: number;
                /** Format: date-time */
                startedAt: string | null;
                /** Format: date-time */
                finishedAt: string | null;
                detail: {
                    [key: string]: unknown;
                } | null;
            }[];
            error: {
                step: string;
                reason: string;
                hint?: string;
                left?: string;
            } | null;
            requestedBy: string;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt: string | null;
            /** Format: date-time */
            finishedAt: string | null;
        };
        OperationAnswer: {
            operation: components["schemas"]["Operation"];
        };
        /** @description Server-Sent Events */
        OperationEvents: string;
        OperationList: {
            data: components["schemas"]["Operation"][];
            nextCursor: string | null;
        };
        /** @description A time in which clients could not use a database. */
        Outage: {
            /** @example out_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            databaseId: string;
            region: string;
            /** Format: date-time */
            startedAt: string;
            /**
             * Format: date-time
             * @description Null while it goes on
             */
            endedAt: string | null;
            /** @description How long it was, or is known to be so far */
            seconds: number;
            /** @enum {string} */
            cause: "host" | "data-center" | "operator" | "platform" | "customer";
            /** @description Whether it belongs to planned maintenance: within its window it does not count */
            planned: boolean;
            sources: ("operation" | "watch" | "probe")[];
            /** @description The operation that interrupted the database, or ended the outage */
            operationId: string | null;
            reason: string;
        };
        OutageList: {
            data: components["schemas"]["Outage"][];
            nextCursor: string | null;
        };
        /** @description What a customer buys. */
        Plan: {
            /** @enum {string} */
            id: "starter" | "standard" | "business";
            name: string;
            standbys: number;
            memoryMb: number;
            /** @description Sessions at once, those of the pooler included */
            maxConnections: number;
            /** @description Sessions that the pooler uses at once for one database */
            pooledConnections: number;
            /** @description Clients of `pooledUri` at once */
            pooledClients: number;
            diskGb: number;
            databasesPerCustomer: number;
        };
        PlanList: {
            data: components["schemas"]["Plan"][];
            nextCursor: string | null;
        };
        /** @description RFC 9457 problem details; `type` is stable and has a page of its own. */
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            instance: string;
            errors?: {
                field: string;
                message: string;
            }[];
        } & {
            [key: string]: unknown;
        };
        Readiness: {
            /** @enum {string} */
            status: "ready" | "not-ready";
            recovered: boolean;
            checks: {
                [key: string]: boolean;
            };
        };
        RecoveryCodes: {
            /** @description Each lets in once, in place of a code; shown once */
            recoveryCodes: string[];
        };
        /** @description Why clients of a database were refused before PostgreSQL heard of them. */
        Refusal: {
            /**
             * @description `source-limit`: one address had too many connections, or too many new ones; `endpoint-limit`: all together had; `allow-list`: the address may not connect; `first-bytes`: what came is not PostgreSQL's protocol, or nothing came; `held-too-long`: the primary was not back within ten seconds
             * @example source-limit
             */
            reason: string;
            /** @description How many connections */
            count: number;
            /** @description The newest that was written down; of many in a moment only some are */
            last: {
                /** Format: date-time */
                at: string;
                /**
                 * @description The address that was refused
                 * @example 192.0.2.7
                 */
                source: string;
            } | null;
        };
        RefusalList: {
            /**
             * Format: date-time
             * @description Since when they are counted; null where nobody counts
             */
            since: string | null;
            data: components["schemas"]["Refusal"][];
            /** @enum {string|null} */
            nextCursor: null;
        };
        /** @description Where a database lives, primary and standbys, and nowhere else. */
        Region: {
            /** @example europe */
            id: string;
            name: string;
            /** @example Europe/Berlin */
            timeZone: string;
            /** @description Whether new databases are placed in it */
            open: boolean;
            dataCenters: {
                id: string;
                name: string;
            }[];
            /** @description Where backups of its databases are kept; they cannot be chosen or restricted */
            backupSites: {
                id: string;
                name: string;
                /**
                 * @description ISO 3166
                 * @example DE
                 */
                country: string;
                dataCenter: string;
                /**
                 * @description A frozen copy is written once and cannot change
                 * @enum {string}
                 */
                kind: "live" | "frozen";
            }[];
        };
        RegionList: {
            data: components["schemas"]["Region"][];
            nextCursor: string | null;
        };
        RestoreAnswer: {
            database: components["schemas"]["Database"];
            operation: components["schemas"]["Operation"];
            /** @description Of a new database; shown once */
            credentials?: {
                user: string;
                password: string;
                /** @description With the password; a session of PostgreSQL itself, at the primary */
                uri: string;
                /** @description With the password; pools by transaction */
                pooledUri: string;
                /** @description With the password; a session at a standby in sync, or at the primary where there is none */
                readOnlyUri: string;
            };
        };
        /** @description A role of the customer's own, beside the owner. */
        Role: {
            /** @example reporting */
            name: string;
            /**
             * @description `readOnly`: reads tables, views and sequences; `readWrite`: inserts, updates and deletes, too. Of all that the owner has, and makes later, in every database
             * @enum {string}
             */
            access: "readOnly" | "readWrite";
        };
        RoleList: {
            data: components["schemas"]["Role"][];
            nextCursor: string | null;
        };
        /** @description Somebody is signed in by it. */
        Session: {
            /** @example ses_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            /** @description Whether it is the one that asks */
            current: boolean;
            address: string | null;
            /** @description What the client said that it is */
            agent: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            lastUsedAt: string;
            /** Format: date-time */
            expiresAt: string;
        };
        SessionList: {
            data: components["schemas"]["Session"][];
            nextCursor: string | null;
        };
        /** @description A session, or a ticket for the second step of a sign-in. */
        SignIn: {
            /** @enum {string} */
            state: "signed-in" | "second-factor-required";
            /** @description Of the session, for `Authorization: Bearer`; null if it was set as a cookie */
            token: string | null;
            /** @description For the header `X-CSRF-Token`, with a cookie */
            csrfToken: string | null;
            /** @description For the second step */
            ticket: string | null;
            /**
             * Format: date-time
             * @description Of the session, or of the ticket
             */
            expiresAt: string;
            /** @description Left out with a ticket */
            user?: {
                /** @example usr_01hzy3v7q8k2w5n9t4r6x1m0pa */
                id: string;
                /** @description null for an operator */
                customerId: string | null;
                /** @enum {string} */
                role: "owner" | "member" | "operator";
                email: string;
                name: string | null;
                /** @enum {string} */
                state: "active" | "disabled";
                /** Format: date-time */
                createdAt: string;
                /** Format: date-time */
                lastSignInAt: string | null;
            };
            /**
             * @description What has to be done before anything else
             * @enum {string|null}
             */
            owes: "new-password" | "second-factor" | null;
        };
        /** @description What was promised to a customer for a month, and what was measured. */
        SlaReport: {
            customer: {
                id: string;
                name: string;
            };
            month: string;
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            to: string;
            /** Format: date-time */
            generatedAt: string;
            platform: components["schemas"]["Uptime"];
            /** @description Those that existed in the month, deleted ones too */
            databases: {
                id: string;
                name: string;
                region: string;
                uptime: components["schemas"]["Uptime"];
            }[];
            /** @description Of these databases, the earliest first */
            outages: components["schemas"]["Outage"][];
        };
        /** @description Measured availability. For the platform and a region each moment counts by the share of databases that were up; what customers did to their own databases moves neither. */
        Uptime: {
            /** @enum {string} */
            of: "platform" | "region" | "database";
            region: string | null;
            databaseId: string | null;
            /** @example 2026-11 */
            month: string;
            /** Format: date-time */
            from: string;
            /**
             * Format: date-time
             * @description The end of the month, or now
             */
            to: string;
            /** @description How many existed in that time */
            databases: number;
            /**
             * @description `upSeconds / (upSeconds + downSeconds)`; planned and unknown time count neither way. Null if nothing is known
             * @example 0.99987
             */
            uptime: number | null;
            upSeconds: number;
            /** @description Down without a plan */
            downSeconds: number;
            /** @description Down by planned maintenance, within its window */
            plannedSeconds: number;
            /** @description Nobody observed it: neither up nor down */
            unknownSeconds: number;
            errorBudget: {
                /** @description What 99.9 % allow: a thousandth of the month */
                share: {
                    allowedSeconds: number;
                    usedSeconds: number;
                    leftSeconds: number;
                };
                /** @description What 45 minutes a month allow */
                minutes: {
                    allowedSeconds: number;
                    usedSeconds: number;
                    leftSeconds: number;
                };
                /** @description Whether both promises are kept so far; null if nothing is known */
                kept: boolean | null;
            };
        };
        /** @description A person who signs in: an owner or a member, who only reads, of a customer, or an operator. */
        User: {
            /** @example usr_01hzy3v7q8k2w5n9t4r6x1m0pa */
            id: string;
            /** @description null for an operator */
            customerId: string | null;
            /** @enum {string} */
            role: "owner" | "member" | "operator";
            email: string;
            name: string | null;
            /** @enum {string} */
            state: "active" | "disabled";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            lastSignInAt: string | null;
        };
        UserList: {
            data: components["schemas"]["User"][];
            nextCursor: string | null;
        };
        UserPassword: {
            user: components["schemas"]["User"];
            /** @description Shown once; it has to be changed at the first sign-in */
            password: string;
        };
    };
    responses: {
        /**
         * @description [`customer-not-found`](/problems/customer-not-found): There is no such customer.
         *
         *     [`not-found`](/problems/not-found): There is no such thing.
         */
        Problem404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`invalid-cursor`](/problems/invalid-cursor): The cursor is not valid.
         *
         *     [`invalid-email`](/problems/invalid-email): The e-mail address is not valid.
         *
         *     [`invalid-encoding`](/problems/invalid-encoding): The text cannot be stored.
         *
         *     [`invalid-header`](/problems/invalid-header): A header is not valid.
         *
         *     [`invalid-name`](/problems/invalid-name): The name is not valid.
         *
         *     [`invalid-request`](/problems/invalid-request): The request is not valid.
         *
         *     [`invalid-token`](/problems/invalid-token): The token cannot be used.
         *
         *     [`malformed-json`](/problems/malformed-json): The body is not JSON.
         *
         *     [`unknown-field`](/problems/unknown-field): The body has a field that is not known.
         *
         *     [`weak-password`](/problems/weak-password): The password cannot be taken.
         */
        Problem400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`cross-site-request`](/problems/cross-site-request): The request does not come from these pages.
         *
         *     [`forbidden`](/problems/forbidden): The credential may not do that.
         *
         *     [`new-password-required`](/problems/new-password-required): The password has to be changed first.
         *
         *     [`second-factor-required`](/problems/second-factor-required): A second factor has to be set up first.
         *
         *     [`wrong-password`](/problems/wrong-password): That is not your password.
         */
        Problem403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`expired-api-key`](/problems/expired-api-key): The API key has expired.
         *
         *     [`invalid-api-key`](/problems/invalid-api-key): There is no such API key.
         *
         *     [`invalid-credentials`](/problems/invalid-credentials): That is not how anybody signs in.
         *
         *     [`invalid-session`](/problems/invalid-session): The session has ended.
         *
         *     [`missing-api-key`](/problems/missing-api-key): The request has no API key.
         *
         *     [`revoked-api-key`](/problems/revoked-api-key): The API key was revoked.
         */
        Problem401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`rate-limited`](/problems/rate-limited): Too many requests.
         *
         *     [`too-many-attempts`](/problems/too-many-attempts): Too many attempts to sign in.
         *
         *     [`too-many-dumps`](/problems/too-many-dumps): Too many dumps at once.
         */
        Problem429: {
            headers: {
                /** @description Seconds to wait */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`body-too-large`](/problems/body-too-large): The body is too large. */
        Problem413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`unsupported-media-type`](/problems/unsupported-media-type): The media type is not supported. */
        Problem415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`extension-refused`](/problems/extension-refused): The extension is refused.
         *
         *     [`idempotency-key-reused`](/problems/idempotency-key-reused): The idempotency key was used for another request.
         *
         *     [`locale-not-available`](/problems/locale-not-available): The locale is not available.
         *
         *     [`restore-out-of-range`](/problems/restore-out-of-range): There is nothing to restore from that time.
         *
         *     [`unknown-host`](/problems/unknown-host): There is no such host.
         *
         *     [`unknown-plan`](/problems/unknown-plan): There is no such plan.
         *
         *     [`unknown-region`](/problems/unknown-region): There is no such region.
         *
         *     [`window-not-allowed`](/problems/window-not-allowed): Maintenance is not allowed then.
         */
        Problem422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`no-room`](/problems/no-room): The region has no room.
         *
         *     [`unavailable`](/problems/unavailable): Temporarily unavailable.
         */
        Problem503: {
            headers: {
                /** @description Seconds to wait */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`backup-not-stored`](/problems/backup-not-stored): The backup is not stored.
         *
         *     [`data-loss-not-accepted`](/problems/data-loss-not-accepted): The failover could lose data.
         *
         *     [`database-not-available`](/problems/database-not-available): The database is not available.
         *
         *     [`database-not-deleted`](/problems/database-not-deleted): The database is not deleted.
         *
         *     [`last-owner`](/problems/last-owner): A customer needs an owner.
         *
         *     [`name-taken`](/problems/name-taken): The name is taken.
         *
         *     [`no-second-factor`](/problems/no-second-factor): There is no second factor.
         *
         *     [`not-possible`](/problems/not-possible): That is not possible as things are.
         *
         *     [`operation-in-progress`](/problems/operation-in-progress): Another operation is in the way.
         *
         *     [`operation-not-steerable`](/problems/operation-not-steerable): The operation cannot be steered that way.
         *
         *     [`quota-exceeded`](/problems/quota-exceeded): The quota is used up.
         *
         *     [`region-closed`](/problems/region-closed): The region takes no new databases.
         *
         *     [`role-taken`](/problems/role-taken): There is a role of that name.
         *
         *     [`second-factor-exists`](/problems/second-factor-exists): There is a second factor.
         *
         *     [`too-many-invitations`](/problems/too-many-invitations): Too many invitations are open.
         *
         *     [`too-many-roles`](/problems/too-many-roles): The database has as many roles as it may have.
         *
         *     [`user-exists`](/problems/user-exists): There is such a user.
         *
         *     [`window-over`](/problems/window-over): The maintenance window is over.
         */
        Problem409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description [`internal-error`](/problems/internal-error): Something went wrong.
         *
         *     [`operation-failed`](/problems/operation-failed): The operation failed.
         */
        Problem500: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A problem document */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listRegions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All regions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegionList"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getRegionCa: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The certificate */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-pem-file": string;
                };
            };
            400: components["responses"]["Problem400"];
            404: components["responses"]["Problem404"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listPlans: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All plans */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanList"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listHosts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All hosts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostList"];
                };
            };
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getHost: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The host */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Host"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listCustomers: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of customers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createCustomer: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description The name of the company or person
                     * @example Ada Ltd
                     */
                    name: string;
                    /**
                     * Format: email
                     * @example ada@example.com
                     */
                    email: string;
                };
            };
        };
        responses: {
            /** @description The customer */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getCustomer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The customer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Customer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                customerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of API keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                customerId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example deploy script */
                    name: string;
                    /** @description By default `customer:<id>` */
                    scopes?: string[];
                    /** Format: date-time */
                    expiresAt?: string;
                };
            };
        };
        responses: {
            /** @description The key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customerId: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    askProvider: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the provider */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["Problem404"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createSessionByProvider: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the console */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@example.com */
                    email: string;
                    password: string;
                    /**
                     * @description Whether the token is set as a cookie, for pages, and not told; what changes something then needs the header `X-CSRF-Token`
                     * @default false
                     */
                    cookie?: boolean;
                };
            };
        };
        responses: {
            /** @description A session, or a ticket */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignIn"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    endAllSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They have ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    confirmSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    ticket: string;
                    /**
                     * @description Of the authenticator app
                     * @example 492039
                     */
                    code?: string;
                    recoveryCode?: string;
                    /**
                     * @description Whether the token is set as a cookie, for pages, and not told; what changes something then needs the header `X-CSRF-Token`
                     * @default false
                     */
                    cookie?: boolean;
                };
            };
        };
        responses: {
            /** @description A session */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignIn"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    endCurrentSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getAccount: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description You */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    currentPassword: string;
                    /**
                     * @description 12 to 1024 characters of any kind
                     * @example seven green kettles hum
                     */
                    newPassword: string;
                };
            };
        };
        responses: {
            /** @description It is changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    setUpSecondFactor: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    password: string;
                };
            };
        };
        responses: {
            /** @description The key, for the app */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewSecondFactor"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    confirmSecondFactor: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Of the authenticator app
                     * @example 492039
                     */
                    code: string;
                };
            };
        };
        responses: {
            /** @description Codes for when the app is lost */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    removeSecondFactor: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    password: string;
                    /**
                     * @description Of the authenticator app
                     * @example 492039
                     */
                    code?: string;
                    recoveryCode?: string;
                };
            };
        };
        responses: {
            /** @description It is removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    renewRecoveryCodes: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    password: string;
                };
            };
        };
        responses: {
            /** @description The codes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listUsers: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                customerId?: string;
                role?: "owner" | "member" | "operator";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of users */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@example.com */
                    email: string;
                    name?: string;
                    /** @enum {string} */
                    role: "owner" | "member" | "operator";
                    /** @description Whose user it is; left out for an operator */
                    customerId?: string;
                    /**
                     * @description 12 to 1024 characters of any kind
                     * @example seven green kettles hum
                     */
                    password?: string;
                };
            };
        };
        responses: {
            /** @description The user, and their first password */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPassword"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    removeUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They are removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    setUserRole: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description `owner`: may do all for the customer; `member`: reads
                     * @enum {string}
                     */
                    role: "owner" | "member";
                };
            };
        };
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    disableUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    enableUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    resetUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description 12 to 1024 characters of any kind
                     * @example seven green kettles hum
                     */
                    password?: string;
                    /**
                     * @description Whether the second factor is removed, too
                     * @default false
                     */
                    secondFactor?: boolean;
                };
            };
        };
        responses: {
            /** @description The user, and their new password */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPassword"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    inviteUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                customerId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@example.com */
                    email: string;
                    /**
                     * @description `owner`: may do all for the customer; `member`: reads
                     * @enum {string}
                     */
                    role: "owner" | "member";
                };
            };
        };
        responses: {
            /** @description The invitation */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    inviteOperator: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@example.com */
                    email: string;
                };
            };
        };
        responses: {
            /** @description The invitation */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listInvitations: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                customerId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of invitations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    revokeInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From the mail */
                    token: string;
                    /**
                     * @description 12 to 1024 characters of any kind
                     * @example seven green kettles hum
                     */
                    password: string;
                    name?: string;
                };
            };
        };
        responses: {
            /** @description The user */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example ada@example.com */
                    email: string;
                };
            };
        };
        responses: {
            /** @description If the address is a user's, they are written to */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    usePasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From the mail */
                    token: string;
                    /**
                     * @description 12 to 1024 characters of any kind
                     * @example seven green kettles hum
                     */
                    password: string;
                };
            };
        };
        responses: {
            /** @description It is changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listDatabases: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                customerId?: string;
                region?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of databases */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatabaseList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createDatabase: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @example cus_01hzy3v7q8k2w5n9t4r6x1m0pa */
                    customerId: string;
                    /**
                     * @description Unique among the databases of the customer that are not deleted
                     * @example shop
                     */
                    name: string;
                    /**
                     * @description Where it lives; see `GET /v1/regions`
                     * @example europe
                     */
                    region: string;
                    /**
                     * @description See `GET /v1/plans`
                     * @default starter
                     */
                    plan?: string;
                    /**
                     * @description By what text is sorted, such as `C.UTF-8` or, with provider `icu`, `de-DE` or `und`; `C.UTF-8` (by code point) if it is left out
                     * @example C.UTF-8
                     */
                    locale?: string;
                    /**
                     * @description Whose locale it is: `libc` if it is left out
                     * @enum {string}
                     */
                    provider?: "libc" | "icu" | "builtin";
                };
            };
        };
        responses: {
            /** @description The database, its operation and its credentials */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewDatabaseAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getDatabase: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The database */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Database"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    deleteDatabase: {
        parameters: {
            query?: {
                /** @description Do not wait until a backup holds everything that was written; what is not in one by then cannot be brought back */
                withoutBackup?: "true" | "false";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The database and the operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatabaseOperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    rotatePassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description For so long the present password stays valid beside the new one, which goes with a user of its own until then, and with both users afterwards. 0: the present one ends at once
                     * @default 0
                     */
                    overlapHours?: number;
                };
            };
        };
        responses: {
            /** @description The new credentials */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Credentials"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    switchover: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description End transactions that are still in the way after so many minutes; without it, they are waited for, for an hour at most */
                    endTransactionsAfterMinutes?: number;
                };
            };
        };
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    failover: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Promote a standby that is not in sync: what it has not received is lost
                     * @default false
                     */
                    acceptDataLoss?: boolean;
                };
            };
        };
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    releaseKeptCopy: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                keptCopyId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    setAutomation: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    paused: boolean;
                    reason?: string;
                };
            };
        };
        responses: {
            /** @description The database */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Database"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getAllowList: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The networks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllowList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    setAllowList: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description Networks from which clients may connect, IPv4 and IPv6, such as `192.0.2.0/24`; an address alone is one, too. `0.0.0.0/0` and `::/0` together let everybody come; an empty list lets nobody
                     * @example [
                     *       "192.0.2.0/24",
                     *       "2001:db8::/32"
                     *     ]
                     */
                    cidrs: string[];
                };
            };
        };
        responses: {
            /** @description The networks, as they are written down */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllowList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listExtensions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All extensions, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExtensionList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createExtension: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description See the list of extensions
                     * @example earthdistance
                     */
                    name: string;
                    /**
                     * @description Where its functions and types go; there already
                     * @default public
                     */
                    schema?: string;
                };
            };
        };
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    dropExtension: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listRefusals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Each reason that occurred, the most frequent first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefusalList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listRoles: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All roles, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoleList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createRole: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description What it logs in as
                     * @example reporting
                     */
                    name: string;
                    /**
                     * @description `readOnly`: reads tables, views and sequences; `readWrite`: inserts, updates and deletes, too. Of all that the owner has, and makes later, in every database
                     * @enum {string}
                     */
                    access: "readOnly" | "readWrite";
                };
            };
        };
        responses: {
            /** @description Its credentials */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Credentials"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    dropRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    rotateRolePassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new credentials */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Credentials"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listOperations: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                databaseId?: string;
                kind?: string;
                state?: "pending" | "running" | "succeeded" | "failed" | "cancelled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of operations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    followOperation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event that was received */
                "Last-Event-ID"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["OperationEvents"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    retryOperation: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    cancelOperation: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listAlerts: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of alerts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listAuditEvents: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                /** @description Such as database.delete */
                action?: string;
                /** @description The id of a credential, or the name of a part of the control plane */
                actor?: string;
                /** @description What it was done to */
                subjectId?: string;
                /** @description About a database, by itself or by an operation */
                databaseId?: string;
                /** @description `refused`: the actor may not do that, or cannot see the subject */
                result?: "done" | "refused";
                /** @description At this time or later */
                since?: string;
                /** @description Before this time */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of audit events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEventList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    exportAuditEvents: {
        parameters: {
            query?: {
                /** @description Such as database.delete */
                action?: string;
                /** @description The id of a credential, or the name of a part of the control plane */
                actor?: string;
                /** @description What it was done to */
                subjectId?: string;
                /** @description About a database, by itself or by an operation */
                databaseId?: string;
                /** @description `refused`: the actor may not do that, or cannot see the subject */
                result?: "done" | "refused";
                /** @description At this time or later */
                since?: string;
                /** @description Before this time */
                until?: string;
                format?: "ndjson" | "csv";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["AuditLines"];
                    "text/csv": components["schemas"]["AuditLines"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    verifyAuditEvents: {
        parameters: {
            query?: {
                /** @description Hashes that you kept elsewhere, each as SEQUENCE:HASH@TIME, separated by commas. Of one without its time it is not known whether a restore of the metadata has taken it back. */
                anchors?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerification"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listBackups: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of backups */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createBackup: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    verifyBackup: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
                backupId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getBackupPolicy: {
        parameters: {
            query?: {
                on?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The days whose backups are kept, and the sites */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackupPolicy"];
                };
            };
            400: components["responses"]["Problem400"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    restoreDatabase: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description The moment whose state is wanted, with any offset, or `latest` for all that was archived, as when every instance is gone; or `backupId`
                     * @example 2026-11-24T10:15:00+01:00
                     */
                    time?: string;
                    /** @description The backup whose state is wanted; or `time` */
                    backupId?: string;
                    /**
                     * @description A new database beside this one, or this one itself; its present state is then kept aside
                     * @enum {string}
                     */
                    into: "new" | "inPlace";
                    /** @description Of the new database; made of the name of this one if left out */
                    name?: string;
                };
            };
        };
        responses: {
            /** @description The database, its operation and, of a new one, its credentials */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RestoreAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    undeleteDatabase: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Another name than it had, as when that is taken by now; its endpoint and password stay the same */
                    name?: string;
                };
            };
        };
        responses: {
            /** @description The database and the operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DatabaseOperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    dumpDatabase: {
        parameters: {
            query?: {
                /** @description A database of the instance, by its name there; that of the endpoint if it is left out */
                database?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The archive */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    createDumpLink: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description How long it can be used: a quarter of an hour unless said, at most a day
                     * @default 900
                     */
                    validForSeconds?: number;
                };
            };
        };
        responses: {
            /** @description The link */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DumpLink"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    useDumpLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The archive */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["Problem400"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            503: components["responses"]["Problem503"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    checkDumpLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can be used */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            404: components["responses"]["Problem404"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    drainHost: {
        parameters: {
            query?: {
                plan?: "true" | "false";
            };
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description End transactions that are still in the way after so many minutes; without it, they are waited for, for an hour at most */
                    endTransactionsAfterMinutes?: number;
                };
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MovePlanAnswer"];
                };
            };
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    loseHost: {
        parameters: {
            query?: {
                plan?: "true" | "false";
            };
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Whether a standby that is not in sync may take over: what it has not received is lost
                     * @default false
                     */
                    acceptDataLoss?: boolean;
                };
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MovePlanAnswer"];
                };
            };
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    undrainHost: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The host */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Host"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    evacuateDataCenter: {
        parameters: {
            query?: {
                plan?: "true" | "false";
            };
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description End transactions that are still in the way after so many minutes; without it, they are waited for, for an hour at most */
                    endTransactionsAfterMinutes?: number;
                };
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MovePlanAnswer"];
                };
            };
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    loseDataCenter: {
        parameters: {
            query?: {
                plan?: "true" | "false";
            };
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Whether a standby that is not in sync may take over: what it has not received is lost
                     * @default false
                     */
                    acceptDataLoss?: boolean;
                };
            };
        };
        responses: {
            /** @description The plan */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MovePlanAnswer"];
                };
            };
            /** @description The operation */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationAnswer"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listMaintenance: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                region?: string;
                state?: "planned" | "running" | "ended" | "cancelled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of windows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceWindowList"];
                };
            };
            400: components["responses"]["Problem400"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    planMaintenance: {
        parameters: {
            query?: never;
            header?: {
                /** @description Chosen by the caller, 1 to 255 visible characters. The same key and body are answered the same for 24 hours; the same key with another body is refused. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description May be left out if a host is named */
                    region?: string;
                    /** @description For one host alone */
                    host?: string | null;
                    /** Format: date-time */
                    startsAt: string;
                    /**
                     * Format: date-time
                     * @description Within an hour of the start
                     */
                    endsAt: string;
                    /** @description Shown to everybody. Needed for an urgent window, and for a second one of a region within two months */
                    reason?: string | null;
                    /**
                     * @description It cannot wait for a time that the service level allows
                     * @default false
                     */
                    urgent?: boolean;
                };
            };
        };
        responses: {
            /** @description The window */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceWindow"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getMaintenance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The window */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceWindow"];
                };
            };
            400: components["responses"]["Problem400"];
            404: components["responses"]["Problem404"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    cancelMaintenance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The window, as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceWindow"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getUptime: {
        parameters: {
            query?: {
                /** @description In UTC; the present one if it is left out */
                month?: string;
                /** @description A database that the key can see; without it, the platform or a region */
                databaseId?: string;
                region?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was measured, and what is left of the error budgets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Uptime"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    listOutages: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                /** @description Those that lie at least in part in that month, in UTC */
                month?: string;
                databaseId?: string;
                region?: string;
                cause?: "host" | "data-center" | "operator" | "platform" | "customer";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of outages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OutageList"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getSlaReport: {
        parameters: {
            query?: {
                /** @description In UTC; the present one if it is left out */
                month?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SlaReport"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description They cannot */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
}
