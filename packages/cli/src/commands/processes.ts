import type { Command } from 'commander'

import { createAdminUserCommand } from './locked-out.ts'
import { maintenanceCommands } from './server-maintenance.ts'
import { webPushKeysCommand } from './web-push-keys.ts'

/** `server` and `agent`: programs of their own, which take over this process. */
export function processCommands(program: Command): void {
  const server = program
    .command('server')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .action(async (_own: unknown, command: Command) => {
      const folder: unknown = command.parent?.getOptionValue('globalConfig')
      const { main } = await import('@slipway/server/main.ts')
      process.exitCode = await main([
        ...(typeof folder === 'string' && folder !== '' ? ['--global-config', folder] : []),
        ...command.args,
      ])
    })
  createAdminUserCommand(server)
  maintenanceCommands(server)
  webPushKeysCommand(server)
  // The agent's module is its program: it runs when it is loaded, and ends the process.
  program.command('agent').action(async () => {
    await import('@slipway/agent/main.ts')
  })
}
