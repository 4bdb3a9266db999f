import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessId {
  readonly pid: number
  /** Field 22 of `/proc/<pid>/stat`: when it started, in clock ticks since boot. */
  readonly startTime: string
}

/** Environment variable by which all processes of a workspace are found again. */
export const WORKSPACE_MARK = 'SLIPWAY_WORKSPACE'

/** When a process started; undefined when there is none. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended already.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether this very process still runs. */
export function isRunning(process: ProcessId): boolean {
  return startTimeOf(process.pid) === process.startTime
}

/**
 * Ends a process: asks first, so that it can run what belongs to its end, then kills it.
 *
 * @param graceMs how long it may take, in milliseconds.
 * @returns false when it had to be killed.
 */
export async function endProcess(target: ProcessId, graceMs: number, signal?: AbortSignal): Promise<boolean> {
  if (!isRunning(target)) return true
  send(target.pid, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (isRunning(target) && Date.now() < deadline && signal?.aborted !== true) await delay(50)
  if (!isRunning(target)) return true
  send(target.pid, 'SIGKILL')
  while (isRunning(target)) await delay(10)
  return false
}

/** Kills every process that carries the mark of a workspace: what a user left running in it. */
export async function killMarked(workspaceId: string): Promise<number> {
  let killed = 0
  for (let round = 0; round < 20; round += 1) {
    const found = marked(workspaceId)
    if (found.length === 0) return killed
    for (const pid of found) send(pid, 'SIGKILL')
    killed += found.length
    await delay(25)
  }
  return killed
}

function marked(workspaceId: string): number[] {
  const mark = `${WORKSPACE_MARK}=${workspaceId}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          pid !== process.pid &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark) &&
          startTimeOf(pid) !== undefined
        )
      } catch {
        // It has ended, or belongs to somebody whose processes we may not see.
        return false
      }
    })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
