/** The message of whatever was thrown, for a log line or an alert. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
