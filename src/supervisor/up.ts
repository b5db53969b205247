import { CliError, EXIT } from '../cli/cli-error.js';
import { ControlPlane, type ControlPlaneOptions, type ReadyLine } from './control-plane.js';
import { closeInheritedDescriptors } from './descriptors.js';

/** How a control plane is run in the foreground. */
export type UpOptions = Omit<ControlPlaneOptions, 'signal'>;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a control plane in this process until it is told to stop by SIGINT, SIGTERM or SIGHUP.
 *
 * @param onReady called once everything serves; what it begins is aborted by the signal that it is given
 */
export async function runUp(options: UpOptions, onReady: (ready: ReadyLine, signal: AbortSignal) => Promise<void> | void): Promise<void> {
  closeInheritedDescriptors();
  // Neither the caller's directory nor its mask of permissions may shape what outlives it.
  process.chdir('/');
  process.umask(0o022);
  // A full disk refuses the message about it too, which must not end this process.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  const stop = new AbortController();
  // Repeated signals are expected: a terminal sends one to the whole group, and npm passes its own on.
  for (const name of STOP_SIGNALS) process.on(name, () => stop.abort(new CliError('stopped before it was up', EXIT.failed)));
  const { plane, ready } = await ControlPlane.start({ ...options, signal: stop.signal });
  try {
    await onReady(ready, stop.signal);
    await waitForAbort(stop.signal);
    options.progress.step('stopping the control plane; databases and gateways stay up');
  } finally {
    await plane.stop();
  }
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // Nothing else may keep the process alive while all its children happen to be dead.
  const alive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => signal.addEventListener('abort', () => {
    clearInterval(alive);
    resolve();
  }));
}

