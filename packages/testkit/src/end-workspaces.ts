import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'

import { Accounts } from '@slipway/server/provisioning/engine/local/accounts.ts'
import { killProcesses } from '@slipway/server/provisioning/engine/local/processes.ts'

/** Ends what workspaces of this server still run, and takes their accounts off the machine. */
export async function endWorkspaces(folder: string): Promise<void> {
  const accounts = new Accounts(path.join(folder, 'workspaces'))
  for (const id of await readdir(path.join(folder, 'workspaces')).catch(() => [])) {
    if (!/^[0-9a-f-]{36}$/.test(id)) continue
    await killProcesses(id, process.getuid?.() === 0 ? await accounts.knownOf(id) : undefined)
    if (process.getuid?.() !== 0) continue
    try {
      execFileSync('userdel', ['--force', `slipway-${id.replaceAll('-', '').slice(0, 16)}`], {
        stdio: 'ignore',
      })
    } catch {
      // It was deleted with its workspace.
    }
  }
}
