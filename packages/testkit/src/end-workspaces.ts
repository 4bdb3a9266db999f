import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

import { Accounts } from '@slipway/server/provisioning/engine/local/accounts.ts'
import { killProcesses } from '@slipway/server/provisioning/engine/local/processes.ts'

const run = promisify(execFile)

/** Ends what workspaces of this server still run, and takes their accounts off the machine. */
export async function endWorkspaces(folder: string): Promise<void> {
  const isRoot = process.getuid?.() === 0
  const accounts = new Accounts(path.join(folder, 'workspaces'))
  const names: string[] = []
  for (const id of await readdir(path.join(folder, 'workspaces')).catch(() => [])) {
    if (!/^[0-9a-f-]{36}$/.test(id)) continue
    const account = isRoot ? await accounts.knownOf(id) : undefined
    await killProcesses(id, account)
    // Others went with their workspaces.
    if (account !== undefined) names.push(`slipway-${id.replaceAll('-', '').slice(0, 16)}`)
  }
  // Starting a process takes a large one, such as that of a test, long: one for all.
  if (names.length > 0)
    await run('/bin/sh', ['-c', 'for name; do userdel --force "$name"; done', 'sh', ...names])
}
