import { chmod, lstat, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Makes the folder of an agent's own files, or takes the one that an earlier run has left. Other accounts of the machine
 * may write beside it and may know the id: what somebody else has put in its place is left alone, because its owner could
 * exchange the programs in it for others (L-S4).
 *
 * @param within a folder of this agent alone, which goes with its workspace even when the agent is killed; without one,
 *   or where it cannot be used, the folder lies among the temporary files.
 * @returns its path; nobody but this account reads or changes it.
 */
export async function openStateDirectory(agentId: string, within: string | undefined): Promise<string> {
  if (within !== undefined && within !== '') {
    const wanted = path.join(within, 'state')
    if (await take(wanted).catch(() => false)) return wanted
  }
  const wanted = path.join(tmpdir(), `slipway-${agentId}`)
  return (await take(wanted)) ? wanted : mkdtemp(`${wanted}-`)
}

/** Whether the folder is there now and this account's own. */
async function take(folder: string): Promise<boolean> {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  })
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) return false
  await chmod(folder, 0o700)
  return true
}
