import type { Command } from 'commander'

import {
  deleteUserAIProviderKey,
  listUserAIProviderKeys,
  putUserAIProviderKey,
  type UserAIProviderKey,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { readSecret } from './ai-provider-settings.ts'

const COLUMNS: readonly Column<UserAIProviderKey>[] = [
  { name: 'provider', value: ({ provider }) => provider.name },
  { name: 'type', value: ({ provider }) => provider.type },
  { name: 'own key', value: (one) => (one.has_user_api_key ? 'yes' : 'no') },
  { name: "provider's key", value: (one) => (one.has_provider_api_key ? 'yes' : 'no') },
  { name: 'usable', value: (one) => (one.byok_enabled && one.provider.enabled ? 'yes' : 'no') },
]

/** `ai-providers own-keys …`. */
export function ownKeyCommands(providers: Command): void {
  const keys = providers
    .command('own-keys')
    .alias('own-key')
    .description('Bring keys of your own for providers; chats use them instead of those of the deployment')
  tableOptions(keys.command('list').alias('ls'), COLUMNS)
    .description('List providers that keys can be brought for')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listUserAIProviderKeys, { params: { user: 'me' } }), COLUMNS, own)
    })
  keys
    .command('set <provider>')
    .description('Bring a key for a provider; it is asked for, or read from standard input')
    .action(async (idOrName: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      const { id, name } = find(
        await client.call(listUserAIProviderKeys, { params: { user: 'me' } }),
        idOrName,
      )
      await client.call(putUserAIProviderKey, {
        params: { user: 'me', provider: id },
        body: { api_key: await readSecret('Key') },
      })
      process.stdout.write(`Your own key for the provider ${name} is stored.\n`)
    })
  keys
    .command('delete <provider>')
    .alias('rm')
    .description('Take a key of your own away')
    .action(async (idOrName: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      const { id, name } = find(
        await client.call(listUserAIProviderKeys, { params: { user: 'me' } }),
        idOrName,
      )
      await client.call(deleteUserAIProviderKey, { params: { user: 'me', provider: id } })
      process.stdout.write(`Your own key for the provider ${name} is gone.\n`)
    })
}

/** @throws CommandError naming the providers that there are. */
function find(all: readonly UserAIProviderKey[], idOrName: string): UserAIProviderKey['provider'] {
  const found = all.find(({ provider: { id, name } }) => id === idOrName || name === idOrName)
  if (found !== undefined) return found.provider
  const names = all.map(({ provider }) => provider.name).join(', ')
  throw new CommandError(
    names === ''
      ? 'there is no provider that keys can be brought for'
      : `there is no provider ${JSON.stringify(idOrName)} that keys can be brought for; there are ${names}`,
  )
}
