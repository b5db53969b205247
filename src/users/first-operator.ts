import { Inject, Injectable } from '@nestjs/common';
import { Passwords } from '../access/sign-in/passwords.js';
import { UsersService } from '../access/users/users.service.js';
import { systemCaller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { NO_SUBJECT } from '../access/subject.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { EVERYTHING } from '../metadata/reach.js';

/** The operator by whom people get in at first: somebody has to invite the others. */
@Injectable()
export class FirstOperator {
  constructor(
    private readonly changes: Changes,
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Makes them as the settings say, for as long as there is no operator; of several processes that start at once one does. */
  async ensure(): Promise<void> {
    const { FREEHOLD_OPERATOR_EMAIL: email, FREEHOLD_OPERATOR_PASSWORD: password } = this.settings;
    if (email === undefined || password === undefined) return;
    if ((await this.users.list(EVERYTHING, { role: 'operator', limit: 1 })).length > 0) return;
    const verifier = await this.passwords.make(password);
    await this.changes.change(systemCaller('first-operator'), { action: 'user.create', subject: NO_SUBJECT }, async (tx) => {
      const user = await this.users.create(tx, { email, role: 'operator', name: null, customerId: null, verifier, oneTime: true });
      return { body: undefined, ...(user && { made: { id: user.id, customerId: null } }), detail: { role: 'operator' } };
    });
  }
}
