/** The physical replication slot on a primary through which a standby streams. */
export function slotName(instanceId: string): string {
  return instanceId.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
}
