import { EngineError } from '../../../errors.js';
import { waitUntil } from '../../../wait-until.js';
import { asAccount, findPostmaster, instanceProcesses, type InstanceContext } from '../../fleet/instance-context.js';
import { mendVolume } from '../../fleet/instance-volume.js';
import { command, daemonLine } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { exactName, type ProcessFacts } from '../../machine/host-shell.js';
import { hangsAtSite } from '../../machine/process-table.js';
import { isStopped } from '../../machine/processes.js';
import { lastLines } from '../../machine/tool-failure.js';
import { binariesOf } from '../files/instance-binaries.js';
import { certificateFor, choosePort, configurationFiles, directoriesLine, isFollowed, LOG_LIMIT_BYTES } from '../files/instance-files.js';
import { parseWriting, processMemoryKb } from '../files/instance-settings.js';
import { preloadOption } from '../files/preloaded-libraries.js';

const LOG_TAIL_BYTES = 4 * 1024;
/** Between two rounds of killing; a process in the kernel dies only when its call returns. */
const KILL_POLL_MS = 5;

/**
 * Starts the postmaster as a daemon, unless it runs, and waits until it answers.
 *
 * What a dead postmaster left behind is killed first: backends that outlive it hold the shared memory, and a pid file
 * whose number is a zombie's or another's makes PostgreSQL refuse.
 */
export async function bringUp(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const postmaster = await findPostmaster(context);
  // A postmaster that is stopped by a signal answers nobody.
  if (postmaster && !isStopped(postmaster.process)) return waitUntilReady(context, signal);
  const { shell, paths } = context;
  await killAll(context, gate, signal);
  await mendVolume(context, gate);
  const [port, certificate, logBytes, writing] = await Promise.all([
    choosePort(context), certificateFor(context), shell.sizeBytes(paths.log), shell.read(paths.writing),
  ]);
  await gate.must(directoriesLine(context), 'making the instance\'s directories');
  await gate.install(
    await configurationFiles(context, port, certificate, { leads: await isFollowed(context), writing: parseWriting(writing) }),
  );
  if (logBytes > LOG_LIMIT_BYTES) await gate.run(command('mv', '-T', '--', paths.log, `${paths.log}.1`));
  await launch(context, gate, signal);
}

/** Starts a postmaster whose configuration is written and whose data directory nobody uses, and waits until it answers. */
async function launch(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  await waitUntilReady(context, signal, await spawnPostmaster(context, gate));
}

/** Starts a postmaster as a daemon; answers at once, with the process that it is, unless that has died already. */
export async function spawnPostmaster(
  context: InstanceContext, gate: Gate, options: readonly string[] = [],
): Promise<ProcessFacts | undefined> {
  const { paths, shell } = context;
  const { directory } = await binariesOf(context);
  const preload = await preloadOption(shell, directory);
  const postgres = command(
    ...asAccount(context.account),
    `${directory}/postgres`,
    '-D',
    paths.data,
    `--config-file=${paths.etc}/postgresql.conf`,
    ...preload,
    ...options,
  );
  // No core dump either: what a session had in its memory would lie on the disk.
  const limits = `ulimit -c 0; ulimit -d ${processMemoryKb(context.instance.database.size)}`;
  const output = await gate.must(
    `rm -f -- ${command(`${paths.data}/postmaster.pid`)}; ${limits}; ${daemonLine(postgres, paths.log)} echo $!`, 'starting postgres',
  );
  return context.shell.readProcess(Number(output.trim()));
}

/** Returns once the postmaster answers. With the process that was started, its death ends the wait. */
export async function waitUntilReady(context: InstanceContext, signal: AbortSignal, child?: ProcessFacts): Promise<void> {
  await waitUntil(`instance ${context.instance.id} to answer`, signal, async () => {
    const postmaster = await findPostmaster(context);
    if (postmaster?.status === 'ready') return true;
    const starting = child && context.shell.readProcess(child.pid);
    if (postmaster || (starting && exactName(starting) === exactName(child))) return undefined;
    const words = lastLines(await context.shell.readTail(context.paths.log, LOG_TAIL_BYTES));
    throw new EngineError(
      'transient', `postgres of ${context.instance.id} did not start: ${words || 'it said nothing'}`, `see ${context.paths.log}`,
    );
  });
}

/** Kills every process of the instance, stopped ones too, and returns once all of them are dead. */
export async function killAll(context: InstanceContext, gate: Gate, signal: AbortSignal, find = instanceProcesses): Promise<void> {
  await waitUntil(
    `the processes of ${context.instance.id} to die`,
    signal,
    async () => {
      const alive = find(context);
      if (alive.length === 0) return true;
      await gate.run(command('signal_exactly', 'KILL', ...alive.map(exactName)));
      return alive.every(hangsAtSite) || undefined;
    },
    KILL_POLL_MS,
  );
}
