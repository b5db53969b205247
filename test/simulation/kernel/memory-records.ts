import type { DatabaseRecord, DatabaseRecords, MemberRecord } from '../../../src/databases/database-records.js';
import type { DatabaseSpec } from '../../../src/engine/ports.js';
import type { MemoryTx } from './memory-metadata.js';

type Change = Partial<Pick<MemberRecord, 'role' | 'state' | 'port'>>;

/** The one database of a simulation, as its operations read and write it. */
export class MemoryDatabaseRecords implements DatabaseRecords<MemoryTx> {
  private record: DatabaseRecord;

  /** @param options.emptiesInSync false leaves a part of rule 9 out */
  constructor(instanceIds: readonly string[], private readonly options: { readonly emptiesInSync?: boolean } = {}) {
    const [primary, ...standbys] = instanceIds;
    this.record = {
      spec: SPEC, kept: [], epoch: 1, inSync: standbys,
      members: instanceIds.map((id, index) => ({
        ref: { id, host: `host-${id}`, database: SPEC }, role: id === primary ? 'primary' : 'standby', state: 'running', address: id, port: 5_000 + index, hostLost: false,
      })),
    };
  }

  get present(): DatabaseRecord {
    return this.record;
  }

  read(): Promise<DatabaseRecord> {
    return Promise.resolve(this.record);
  }

  othersFailOver(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async setMember(tx: MemoryTx, instanceId: string, change: Change): Promise<void> {
    tx.write(() => this.setMembers((member) => (member.ref.id === instanceId ? change : {})));
  }

  async setInSync(tx: MemoryTx, _: string, inSync: readonly string[]): Promise<void> {
    tx.write(() => { this.record = { ...this.record, inSync: [...inSync] }; });
  }

  async setPromoted(tx: MemoryTx, _: string, promotedId: string): Promise<void> {
    tx.write(() => {
      this.setMembers(({ ref, role }) => {
        if (ref.id === promotedId) return { role: 'primary', state: 'running' };
        return role === 'primary' ? { role: 'standby', state: 'fenced' } : {};
      });
      const inSync = this.options.emptiesInSync === false ? this.record.inSync : [];
      this.record = { ...this.record, epoch: this.record.epoch + 1, inSync };
    });
  }

  private setMembers(changeOf: (member: MemberRecord) => Change): void {
    this.record = { ...this.record, members: this.record.members.map((member) => ({ ...member, ...changeOf(member) })) };
  }

  async forgetMembers(tx: MemoryTx, instanceIds: readonly string[]): Promise<void> {
    tx.write(() => { this.record = { ...this.record, members: this.record.members.filter(({ ref }) => !instanceIds.includes(ref.id)) }; });
  }

  setPostgresVersion(): Promise<void> { return Promise.resolve(); }
  setProvisioned(): Promise<void> { return Promise.resolve(); }
  addKept(): Promise<void> { return Promise.resolve(); }
  forgetKept(): Promise<void> { return Promise.resolve(); }
  setOwnerLogins(): Promise<void> { return Promise.resolve(); }
  eraseVolumeKey(): Promise<void> { throw new Error('deleting is not simulated'); }
  setAllowList(): Promise<void> { return Promise.resolve(); }
  setAllowListEnforced(): Promise<void> { return Promise.resolve(); }
  setDeleted(): Promise<void> { throw new Error('deleting is not simulated'); }
}

export const DATABASE_ID = 'db_1';

const SPEC: DatabaseSpec = {
  id: DATABASE_ID, region: 'europe', account: 1, endpointSlot: 0, name: 'app', owner: 'app', ownerVerifier: '',
  size: { memoryMb: 64, maxConnections: 10, diskGb: 1 }, secrets: { control: '', replication: '' },
};
