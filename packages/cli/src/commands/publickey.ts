import type { Command } from 'commander'

import { getGitSshKey, regenerateGitSshKey } from '@slipway/contract'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'

/** `publickey` (ID-193). */
export function publicKeyCommand(program: Command): void {
  program
    .command('publickey')
    .option('--reset', 'make a new key; where the present one is registered, the new one has to be')
    .option('-y, --yes', 'do not ask')
    .action(async (own: { reset?: boolean; yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const params = { user: 'me' }
      if (own.reset === true)
        await sure('Make a new key? Git hosts that know the present one refuse it.', own.yes)
      const key = await client.call(own.reset === true ? regenerateGitSshKey : getGitSshKey, { params })
      process.stderr.write(
        'Your workspaces use this key for Git. Register it at your Git host, such as https://github.com/settings/ssh/new:\n\n',
      )
      process.stdout.write(`${key.public_key.trim()}\n`)
    })
}
