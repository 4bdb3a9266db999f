import { access, constants, writeFile } from 'node:fs/promises'

const PRLIMIT = '/usr/bin/prlimit'
/** Processes and threads of one workspace: ample for IDEs and builds, too few to bring the machine down. */
const MAX_TASKS = 4_096
/** When memory runs out the kernel ends workspaces before the server and its database. */
const OOM_SCORE = '500'

/** A command within limits, and what to tell about them. */
export interface Limited {
  readonly command: readonly string[]
  readonly told: { readonly level: 'info' | 'warn'; readonly output: string }
}

/**
 * Puts what this machine can limit around the command that starts a workspace.
 *
 * @param ownAccount whether the account is the workspace's own; the number of processes counts per account.
 */
export async function limited(command: readonly string[], ownAccount: boolean): Promise<Limited> {
  try {
    await access(PRLIMIT, constants.X_OK)
  } catch {
    return {
      command,
      told: { level: 'warn', output: `No limits for processes: this machine has no ${PRLIMIT}` },
    }
  }
  const tasks = ownAccount ? [`--nproc=${MAX_TASKS}:${MAX_TASKS}`] : []
  return {
    command: [PRLIMIT, '--core=0:0', ...tasks, ...command],
    told: ownAccount
      ? { level: 'info', output: `Limited to ${MAX_TASKS} processes; memory, processor and disk are shared` }
      : { level: 'warn', output: 'Not limited: processes, memory, processor and disk are shared' },
  }
}

/** Lets the kernel prefer this process and its children when memory runs out; without the right to, it stays. */
export async function yieldMemory(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/oom_score_adj`, OOM_SCORE).catch(() => undefined)
}
