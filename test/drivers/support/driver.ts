import type { Record } from './record.js';

export const ENDPOINTS = ['uri', 'pooledUri', 'readOnlyUri'] as const;
export type EndpointName = (typeof ENDPOINTS)[number];

/** What a driver is tried at, one after the other, before it is left to write. */
export const STEPS = ['create', 'prepared', 'transaction', 'copy', 'notification', 'refusal'] as const;
export type StepName = (typeof STEPS)[number];
/** `none`: the driver has no such thing, or not at this endpoint; else what went wrong. */
export type StepResult = 'ok' | 'none' | (string & {});
export type StepResults = Partial<{ readonly [Step in StepName]: StepResult }>;

/** Where a driver connects to, and which table is its own. */
export interface Place {
  readonly endpoint: EndpointName;
  readonly uri: string;
  readonly table: string;
}

/** Clients at work until they are told to stop. */
export interface Run {
  readonly record: Record;
  stop(): Promise<void>;
}

/** A driver, whether it is loaded into this process or a program of its own. */
export interface Driver {
  readonly name: string;
  readonly version: string;
  /** At `readOnlyUri` only the refusal of a write; elsewhere the others. */
  tryOut(place: Place): Promise<StepResults>;
  /** At `readOnlyUri` they read the rows that {@link tryOut} left at `uri`, whose table is given. */
  run(place: Place, clients: number): Promise<Run>;
}

/** The rows that the steps leave behind, for those who only read. */
export const KEPT_ROWS = 20;
