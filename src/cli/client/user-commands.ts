import { Command, Option } from 'commander';

import type { FreeholdClient, Invitation, User, UserPassword } from '../../../clients/typescript/src/client.js';
import { CliError, EXIT } from '../cli-error.js';
import { note, print, printJson, printList, type Column } from '../output.js';
import { readPassword, type PasswordOptions } from '../read-password.js';
import { collect, openSession, withApi } from './session.js';

const USERS: readonly Column<User>[] = [
  ['ID', ({ id }) => id],
  ['E-MAIL', ({ email }) => email],
  ['ROLE', ({ role }) => role],
  ['CUSTOMER', ({ customerId }) => customerId],
  ['STATE', ({ state }) => state],
  ['LAST SIGN-IN', ({ lastSignInAt }) => lastSignInAt],
];

interface ListOptions {
  readonly customer?: string;
  readonly role?: User['role'];
}

interface CreateOptions extends PasswordOptions, ListOptions {
  readonly email: string;
  readonly role: User['role'];
  readonly name?: string;
}

/** `freehold users …` */
export function userCommands(): Command {
  const group = new Command('users').description('people who sign in: owners and members of customers, and operators');
  const roles = ['owner', 'member', 'operator'];
  withApi(group.command('list').description('list users, newest first'))
    .option('--customer <customer>', 'only this customer\'s')
    .addOption(new Option('--role <role>', 'only those with this role').choices(roles))
    .action(listUsers);
  withPassword(withApi(group.command('create').description('make a user, and print the password that they sign in with at first')))
    .requiredOption('--email <address>', 'by which they sign in')
    .addOption(new Option('--role <role>', 'what they may do').choices(roles).makeOptionMandatory())
    .option('--customer <customer>', 'whose user it is; none for an operator')
    .option('--name <name>', 'what they are called')
    .action(createUser);
  withApi(group.command('invite').description('send a mail by which somebody becomes a user, with a password of their own'))
    .requiredOption('--email <address>', 'where the mail goes, and by which they sign in')
    .addOption(new Option('--role <role>', 'what they may do').choices(roles).default('member'))
    .option('--customer <customer>', 'whose user it is; none for an operator')
    .action(inviteUser);
  const user = 'the id, or the e-mail address';
  withApi(group.command('disable').description('sign a user out, and keep them out').argument('<user>', user))
    .action(async (name: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const disabled = await api.call('post', '/v1/users/{id}/disable', { path: { id: (await findUser(api, name)).id } });
      if (asJson) printJson(disabled);
      else print(`${disabled.email} is ${disabled.state}`);
    });
  withApi(group.command('enable').description('let a user in again').argument('<user>', user))
    .action(async (name: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const enabled = await api.call('post', '/v1/users/{id}/enable', { path: { id: (await findUser(api, name)).id } });
      if (asJson) printJson(enabled);
      else print(`${enabled.email} is ${enabled.state}`);
    });
  withPassword(withApi(group.command('reset').description('give a user a new password, and sign them out').argument('<user>', user)))
    .option('--second-factor', 'remove the second factor, too, for who has lost it with the recovery codes')
    .action(resetUser);
  return group;
}

/** A password on a command line can be seen by other users of the machine, and stays in histories: there is no such option. */
function withPassword(command: Command): Command {
  return command
    .addOption(new Option('--password-file <file>', 'its first line is the password; - for standard input').conflicts('askPassword'))
    .option('--ask-password', 'ask for the password at the terminal; it is drawn and printed otherwise');
}

async function listUsers({ customer, role }: ListOptions, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const query = { ...(customer !== undefined && { customerId: customer }), ...(role !== undefined && { role }) };
  printList(await collect(api.list('/v1/users', { query })), USERS, asJson);
}

async function createUser(options: CreateOptions, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const { email, role, customer, name } = options;
  const password = await readPassword(options);
  const made = await api.call('post', '/v1/users', {
    body: {
      email, role, ...(customer !== undefined && { customerId: customer }), ...(name !== undefined && { name }),
      ...(password !== undefined && { password }),
    },
  });
  printPassword(made, password !== undefined, asJson);
}

async function inviteUser({ email, role, customer }: CreateOptions, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const invitation = await invite(api, email, role, customer);
  if (asJson) printJson(invitation);
  else print(`${invitation.email} is invited as ${invitation.role} until ${invitation.expiresAt}`);
}

async function invite(api: FreeholdClient, email: string, role: User['role'], customerId: string | undefined): Promise<Invitation> {
  if (role === 'operator') {
    if (customerId !== undefined) throw new CliError('an operator is no customer\'s user: leave --customer out', EXIT.usage);
    return api.call('post', '/v1/operators/invitations', { body: { email } });
  }
  if (customerId === undefined) throw new CliError(`whose ${role}? give the customer with --customer`, EXIT.usage);
  return api.call('post', '/v1/customers/{customerId}/invitations', { path: { customerId }, body: { email, role } });
}

async function resetUser(name: string, options: PasswordOptions & { readonly secondFactor?: boolean }, command: Command): Promise<void> {
  const { api, asJson } = openSession(command);
  const { id } = await findUser(api, name);
  const password = await readPassword(options);
  const made = await api.call('post', '/v1/users/{id}/reset', {
    path: { id }, body: { secondFactor: options.secondFactor === true, ...(password !== undefined && { password }) },
  });
  printPassword(made, password !== undefined, asJson);
}

/** What somebody has typed themselves is not printed. */
function printPassword({ user, password }: UserPassword, isKnown: boolean, asJson: boolean): void {
  if (asJson) {
    printJson(isKnown ? { user } : { user, password });
    return;
  }
  print(isKnown ? user.id : password);
  note(`${user.email} (${user.id}) signs in with this password once, and chooses another then`);
}

async function findUser(api: FreeholdClient, name: string): Promise<User> {
  if (name.startsWith('usr_')) return api.call('get', '/v1/users/{id}', { path: { id: name } });
  const wanted = name.toLowerCase();
  for await (const user of api.list('/v1/users')) if (user.email.toLowerCase() === wanted) return user;
  throw new CliError(`there is no user ${name}: freehold users list shows those that there are`);
}
