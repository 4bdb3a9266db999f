import type { Command } from 'commander'

import { flagsOf } from '../flags.ts'
import { sure } from '../prompt.ts'
import { type DatabaseFlags, databaseArguments, databaseOptions } from './database-flags.ts'

interface Flags extends DatabaseFlags {
  readonly yes?: boolean
}

/** `server regenerate-vapid-keypair`: for keys of web push that others may know (OP-140). */
export function webPushKeysCommand(server: Command): void {
  databaseOptions(server.command('regenerate-vapid-keypair', { hidden: true }).helpOption('-h, --help'))
    .description(
      'Replace the keys that push messages are signed with, and drop all subscriptions of browsers',
    )
    .option('-y, --yes', 'do not ask')
    .action(async (_own: Flags, command: Command) => {
      const flags = flagsOf<Flags>(command)
      await sure('Every browser will have to subscribe to push messages again. Go on?', flags.yes)
      const { regenerateWebPushKeys } = await import('@slipway/server/maintain-web-push.ts')
      const dropped = await regenerateWebPushKeys(databaseArguments(flags), process.env)
      process.stdout.write(`Made new keys and dropped ${dropped} subscriptions.\n`)
    })
}
