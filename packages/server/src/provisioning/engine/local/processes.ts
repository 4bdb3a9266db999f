import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import type { Account } from './accounts.ts'

const run = promisify(execFile)

type Ids = Pick<Account, 'uid' | 'gid'>

/** A killed process that is still there after this hangs in the kernel: nobody can end it. */
const KILL_WAIT_MS = 5_000

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessId {
  readonly pid: number
  /** Field 22 of `/proc/<pid>/stat`: when it started, in clock ticks since boot; behind `@` which boot that was. */
  readonly startTime: string
}

/** Environment variable by which all processes of a workspace are found again. */
export const WORKSPACE_MARK = 'SLIPWAY_WORKSPACE'

/** When a process started, as {@link ProcessId} has it; undefined when there is none. */
export function startTimeOf(pid: number): string | undefined {
  const ticks = ticksOf(pid)
  return ticks === undefined ? undefined : `${ticks}@${bootId()}`
}

function ticksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended already.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether this very process still runs: after a restart of the machine none does, whatever has got its number (L-16). */
export function isRunning(process: ProcessId): boolean {
  const [ticks, boot] = process.startTime.split('@')
  // Earlier releases have not noted the boot.
  return ticksOf(process.pid) === ticks && (boot === undefined || boot === bootId())
}

/** A text that another start of the kernel does not have. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
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
  const deadline = performance.now() + graceMs
  while (isRunning(target) && performance.now() < deadline && signal?.aborted !== true) await delay(50)
  if (!isRunning(target)) return true
  send(target.pid, 'SIGKILL')
  const end = performance.now() + KILL_WAIT_MS
  while (isRunning(target) && performance.now() < end) await delay(10)
  return false
}

/**
 * Kills every process of a workspace: what a user left running in it.
 *
 * @param account the account that only this workspace has; without one, processes are known by the mark in
 *   their environment alone, which those that want to stay can take off.
 * @returns how many there were.
 */
export async function killProcesses(workspaceId: string, account: Ids | undefined): Promise<number> {
  let killed = 0
  for (let round = 0; round < 20; round += 1) {
    const found = processesOf(workspaceId, account?.uid)
    if (found.length === 0) return killed
    if (account !== undefined) await killAllOf(account)
    for (const pid of found) send(pid, 'SIGKILL')
    killed += found.length
    await delay(25)
  }
  return killed
}

/** Whether anything of a workspace runs on this machine; `account` as for {@link killProcesses}. */
export function hasProcesses(workspaceId: string, account: Ids | undefined): boolean {
  return processesOf(workspaceId, account?.uid).length > 0
}

/** All at once, so that processes that multiply cannot outrun it. */
async function killAllOf({ uid, gid }: Ids): Promise<void> {
  await run('/bin/sh', ['-c', 'kill -KILL -1'], { uid, gid }).catch(() => undefined)
}

function processesOf(workspaceId: string, uid: number | undefined): number[] {
  const mark = `${WORKSPACE_MARK}=${workspaceId}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          pid !== process.pid &&
          (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark) ||
            (uid !== undefined && realUidOf(pid) === uid)) &&
          ticksOf(pid) !== undefined
        )
      } catch {
        // It has ended, or belongs to somebody whose processes we may not see.
        return false
      }
    })
}

function realUidOf(pid: number): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return uid === undefined ? undefined : Number(uid)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
