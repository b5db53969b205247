/**
 * Who may take an action:
 *
 * - `public`: everybody, also without a credential;
 * - `authenticated`: each actor, for what lies in its reach;
 * - `signup`: the signup flow;
 * - `owner`: the customer whose thing it is;
 * - `owner-or-signup`: that customer, or the signup flow that signed it up;
 * - `operator`: operators alone;
 * - `person`: everybody who has signed in, on their own account; a program has none;
 * - `newcomer`: the same, also who has still to change a password that somebody else has seen, or to set up a second factor;
 * - `system`: the control plane by itself, by no request.
 *
 * What `authenticated` actors may is to read: a member of a customer may that, and no more. Operators may take each action that a
 * request can take and that is not about a person's own account, and the control plane may take all of them.
 */
export type Who = 'public' | 'authenticated' | 'signup' | 'owner' | 'owner-or-signup' | 'operator' | 'person' | 'newcomer' | 'system';

/**
 * Every action, a read too, and who may take it. Nothing else decides that (`design.md`, part 3.1). Routes name their
 * action, the audit log writes it down, and a test calls every route as each kind of actor.
 */
export const WHO_MAY = {
  'region.list': 'public',
  'region.read-ca': 'public',
  'plan.list': 'public',
  'backup-policy.read': 'public',
  'health.read': 'public',
  'metrics.read': 'public',
  'problem-type.read': 'public',
  // Of the platform and of regions; that of a database is read within the reach.
  'uptime.read': 'public',
  // The token in the link is the permission; what it may do ends with the key that made it.
  'dump-link.check': 'public',
  'dump-link.use': 'public',

  // A password, a second factor or the token in a mail is the permission.
  'session.create': 'public',
  'session.confirm': 'public',
  'session.ask-provider': 'public',
  'session.create-by-provider': 'public',
  'password-reset.request': 'public',
  'password-reset.use': 'public',
  'invitation.accept': 'public',

  'account.read': 'newcomer',
  'account.change-password': 'newcomer',
  'account.set-up-second-factor': 'newcomer',
  'account.confirm-second-factor': 'newcomer',
  'account.remove-second-factor': 'person',
  'account.renew-recovery-codes': 'person',
  'session.list': 'newcomer',
  'session.end': 'newcomer',
  'session.end-all': 'newcomer',

  'user.list': 'authenticated',
  'user.read': 'authenticated',
  'user.create': 'operator',
  'user.reset': 'operator',
  'user.set-role': 'owner',
  'user.disable': 'owner',
  'user.enable': 'owner',
  'user.remove': 'owner',
  'invitation.create': 'owner-or-signup',
  'invitation.list': 'authenticated',
  'invitation.revoke': 'owner',
  'operator.invite': 'operator',

  'customer.create': 'signup',
  'customer.list': 'authenticated',
  'customer.read': 'authenticated',
  'api-key.create': 'owner-or-signup',
  'api-key.list': 'owner-or-signup',
  'api-key.revoke': 'owner',

  'database.create': 'owner-or-signup',
  'database.list': 'authenticated',
  'database.read': 'authenticated',
  'database.delete': 'owner',
  'database.rotate-password': 'owner',
  'allow-list.read': 'authenticated',
  'allow-list.set': 'owner',
  'database.switchover': 'operator',
  'database.failover': 'operator',
  'database.release-kept': 'operator',
  'automation.pause': 'operator',
  'automation.resume': 'operator',
  'extension.list': 'authenticated',
  'extension.create': 'owner',
  'extension.drop': 'owner',
  'role.list': 'authenticated',
  'role.create': 'owner',
  'role.drop': 'owner',
  'role.rotate-password': 'owner',

  'backup.list': 'authenticated',
  'backup.verify': 'owner',
  'database.back-up': 'owner',
  'database.restore': 'owner',
  'database.undelete': 'owner',
  'database.dump': 'owner',
  'database.dump-link': 'owner',

  'operation.list': 'authenticated',
  'operation.read': 'authenticated',
  'operation.follow': 'authenticated',
  'operation.retry': 'operator',
  'operation.cancel': 'operator',
  'alert.list': 'operator',
  'audit-event.list': 'authenticated',
  'audit-event.export': 'authenticated',
  'audit-event.verify': 'operator',
  'outage.list': 'authenticated',
  'sla-report.read': 'authenticated',

  'maintenance-window.list': 'public',
  'maintenance-window.read': 'public',
  'maintenance-window.create': 'operator',
  'maintenance-window.cancel': 'operator',

  'host.list': 'operator',
  'host.read': 'operator',
  'host.undrain': 'operator',
  // Of a host or of a whole data centre.
  'vacate.draining': 'operator',
  'vacate.lost': 'operator',

  'database.recover': 'system',
  'database.reprotect': 'system',
  'database.relocate': 'system',
  'database.restore-lost': 'system',
  'database.set-archive': 'system',
  'backup.expire': 'system',
  'backup.purge': 'system',
  'metadata.recover': 'system',
} as const satisfies Readonly<Record<string, Who>>;

export type Action = keyof typeof WHO_MAY;
