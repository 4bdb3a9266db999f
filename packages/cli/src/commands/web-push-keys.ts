import type { Command } from 'commander'

import { flagsOf, type GlobalFlags, option } from '../flags.ts'
import { sure } from '../prompt.ts'

interface Flags extends GlobalFlags {
  readonly postgresUrl?: string
  readonly config?: string
  readonly yes?: boolean
}

/** `server regenerate-vapid-keypair`: for keys of web push that others may know (OP-140). */
export function webPushKeysCommand(server: Command): void {
  server
    .command('regenerate-vapid-keypair', { hidden: true })
    .helpOption('-h, --help')
    .description(
      'Replace the keys that push messages are signed with, and drop all subscriptions of browsers',
    )
    .addOption(
      option(
        '--postgres-url <url>',
        'database of the deployment; without it, the embedded database of this machine, whose server must not be running',
        'CODER_PG_CONNECTION_URL',
      ),
    )
    .addOption(option('-c, --config <file>', 'YAML file with settings of the server', 'CODER_CONFIG_PATH'))
    .option('-y, --yes', 'do not ask')
    .action(async (_own: Flags, command: Command) => {
      const flags = flagsOf<Flags>(command)
      await sure('Every browser will have to subscribe to push messages again. Go on?', flags.yes)
      const { regenerateWebPushKeys } = await import('@slipway/server/maintain-web-push.ts')
      const settings = [
        ['--global-config', flags.globalConfig],
        ['--postgres-url', flags.postgresUrl],
        ['--config', flags.config],
      ] as const
      const argv = settings.flatMap(([name, value]) =>
        value === undefined || value === '' ? [] : [name, value],
      )
      const dropped = await regenerateWebPushKeys(argv, process.env)
      process.stdout.write(`Made new keys and dropped ${dropped} subscriptions.\n`)
    })
}
