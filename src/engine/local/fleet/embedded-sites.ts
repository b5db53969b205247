import type { BackupSite } from '../../backups-port.js';

/**
 * The backup sites of every embedded fleet: directories that stand for machines, in data centres in which no database is.
 * Three live ones in Europe and Canada, and the cold storage.
 */
export const EMBEDDED_SITES: readonly BackupSite[] = [
  { id: 'falkenstein', name: 'Falkenstein', country: 'DE', dataCenter: 'Falkenstein', kind: 'live' },
  { id: 'gravelines', name: 'Gravelines', country: 'FR', dataCenter: 'Gravelines', kind: 'live' },
  { id: 'toronto', name: 'Toronto', country: 'CA', dataCenter: 'Toronto', kind: 'live' },
  { id: 'helsinki', name: 'Helsinki', country: 'FI', dataCenter: 'Helsinki', kind: 'frozen' },
];
