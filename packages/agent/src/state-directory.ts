import { chmod, lstat, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Makes the folder of an agent's own files, or takes the one that an earlier run has left. Other accounts of the machine
 * may write beside it and may know the id: what somebody else has put in its place is left alone, because its owner could
 * exchange the programs in it for others (L-S4).
 *
 * @returns its path; nobody but this account reads or changes it.
 */
export async function openStateDirectory(agentId: string): Promise<string> {
  const wanted = path.join(tmpdir(), `slipway-${agentId}`)
  await mkdir(wanted, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  })
  const found = await lstat(wanted)
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) return mkdtemp(`${wanted}-`)
  await chmod(wanted, 0o700)
  return wanted
}
