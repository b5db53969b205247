/**
 * How many databases are restored side by side: as many as a machine copies at once without each taking longer than all of them
 * one after the other.
 */
export const RESTORES_AT_ONCE = 4;
