import { z } from 'zod';
import { component, listOf } from '../../http/components.js';
import { backupSiteSchema } from '../../fleet/fleet.schemas.js';
import { BACKUP_REASONS } from './backup.entity.js';
import { KEPT_AS } from './choose-kept-backups.js';

const COPY_STATES = ['pending', 'stored', 'failed', 'expired'] as const;

export const backupSchema = component('Backup', z.object({
  id: z.string().meta({ example: 'bkp_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  databaseId: z.string(),
  kind: z.literal('full'),
  reason: z.enum(BACKUP_REASONS),
  startedAt: z.iso.datetime().nullable().meta({ description: 'Null until its first copy is stored' }),
  finishedAt: z.iso.datetime().nullable(),
  sizeBytes: z.number().nullable().meta({ description: 'What it takes when it is restored' }),
  copies: z.array(z.object({
    site: z.string(),
    state: z.enum(COPY_STATES),
    storedBytes: z.number().nullable(),
    frozenUntil: z.iso.datetime().nullable().meta({ description: 'Until when a copy in cold storage can be neither changed nor removed' }),
    error: z.string().nullable(),
    damage: z.string().nullable().meta({ description: 'What a proof found damaged in this copy' }),
  })),
  provedAt: z.iso.datetime().nullable().meta({ description: 'When it was last restored and checked; it counts from then on' }),
  proofRemarks: z.array(z.string()).meta({
    description: 'What the proof has to tell of your own code, such as an index whose function fails; the backup is sound',
  }),
  keptAs: z.enum(KEPT_AS).nullable(),
}).meta({ description: 'A full backup, and its copies at the backup sites.' }));
export const backupListSchema = listOf('BackupList', backupSchema);
export type BackupDocument = z.output<typeof backupSchema>;

export const backupPolicySchema = component('BackupPolicy', z.object({
  on: z.iso.date(),
  daily: z.array(z.iso.date()),
  weekly: z.array(z.iso.date()),
  monthly: z.array(z.iso.date()),
  sites: z.array(backupSiteSchema).meta({ description: 'Every backup has a copy at each of them; they cannot be chosen or restricted' }),
}).meta({ description: 'The days whose backups exist on a day, for a database that is backed up every day.' }));
export type BackupPolicyDocument = z.output<typeof backupPolicySchema>;

export const policyQuerySchema = z.strictObject({ on: z.iso.date({ message: 'must be a day, such as 2026-11-24' }).optional() });
