import type { Command } from 'commander'

import {
  type ChatModelConfig,
  createChatModelConfig,
  deleteChatModelConfig,
  listAIProviders,
  listChatModelConfigs,
  updateChatModelConfig,
} from '@slipway/contract'
import { type OfferedModel, offeredModels } from '../chat/find-chat.ts'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'

const OFFERED_COLUMNS: readonly Column<OfferedModel>[] = [
  { name: 'id', value: (model) => model.id },
  { name: 'provider', value: (model) => model.provider },
  { name: 'model', value: (model) => model.model },
  { name: 'name', value: (model) => model.display_name },
  { name: 'usable', value: ({ available, reason }) => (available ? 'yes' : `no: ${reason}`) },
]

const COLUMNS: readonly Column<ChatModelConfig>[] = [
  { name: 'id', value: (one) => one.id },
  { name: 'model', value: (one) => one.model },
  { name: 'name', value: (one) => one.display_name },
  { name: 'default', value: (one) => (one.is_default ? 'yes' : '') },
  { name: 'enabled', value: (one) => String(one.enabled) },
  { name: 'context limit', value: (one) => String(one.context_limit) },
  { name: 'compacts at', value: (one) => `${one.compression_threshold}%`, extra: true },
  { name: 'efforts', value: (one) => (one.reasoning_efforts ?? []).join(' '), extra: true },
  { name: 'provider id', value: (one) => one.ai_provider_id, extra: true },
]

interface DetailFlags extends OutputFlags {
  readonly name?: string
  readonly contextLimit?: string
  readonly compactAt?: string
}

/** `chat models …`. */
export function chatModelCommands(chat: Command): void {
  const models = tableOptions(chat.command('models'), OFFERED_COLUMNS)
    .description('List the models that your chats may use')
    .action(async (own: OutputFlags, command: Command) => {
      printRows(await offeredModels(await openSession(command)), OFFERED_COLUMNS, own)
    })
  tableOptions(models.command('list').alias('ls'), COLUMNS)
    .description('List how models are set up; administrators see those that are switched off, too')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listChatModelConfigs), COLUMNS, own)
    })
  tableOptions(detailOptions(models.command('create <provider> <model>')), COLUMNS)
    .description('Let chats use a model of a provider, named as the provider names it')
    .option('--default', 'chats that choose no model get it')
    .option('--disabled', 'do not offer it yet')
    .addHelpText('after', '\nFor example: slipway chat models create anthropic claude-sonnet-4-5 --default')
    .action(
      async (
        provider: string,
        model: string,
        own: DetailFlags & { readonly default?: boolean; readonly disabled?: boolean },
        command: Command,
      ) => {
        const details = detailsIn({ contextLimit: '200000', ...own })
        const client = await openSession(command)
        const found = (await client.call(listAIProviders)).find(
          ({ id, name }) => name === provider || id === provider.toLowerCase(),
        )
        if (found === undefined)
          throw new CommandError(`there is no provider ${provider}: \`slipway ai-providers list\` shows all`)
        const made = await client.call(createChatModelConfig, {
          body: {
            ai_provider_id: found.id,
            model,
            display_name: model,
            enabled: own.disabled !== true,
            ...details,
            ...(own.default === true ? { is_default: true } : {}),
          },
        })
        printRow(made, COLUMNS, own)
      },
    )
  tableOptions(detailOptions(models.command('update <model>')), COLUMNS)
    .description('Change how a model is set up, given by its name or id')
    .action(async (text: string, own: DetailFlags, command: Command) => {
      const body = detailsIn(own)
      if (Object.keys(body).length === 0)
        throw new CommandError('nothing to change: give --name, --context-limit or --compact-at')
      const client = await openSession(command)
      const { id } = await findConfig(client, text)
      printRow(await client.call(updateChatModelConfig, { params: { modelConfig: id }, body }), COLUMNS, own)
    })
  for (const [word, description, body] of [
    ['default', 'Give a model to chats that choose none', { is_default: true }],
    ['enable', 'Offer a model', { enabled: true }],
    ['disable', 'Offer a model no more', { enabled: false }],
  ] as const)
    models
      .command(`${word} <model>`)
      .description(description)
      .action(async (text: string, _own: unknown, command: Command) => {
        const client = await openSession(command)
        const { id } = await findConfig(client, text)
        const changed = await client.call(updateChatModelConfig, { params: { modelConfig: id }, body })
        process.stdout.write(
          word === 'default'
            ? `Chats use ${changed.display_name} unless they choose another model.\n`
            : `${changed.display_name} is ${word}d.\n`,
        )
      })
  models
    .command('delete <model>')
    .alias('rm')
    .description('Take a model away; chats that used it go on with the default')
    .option('-y, --yes', 'do not ask')
    .action(async (text: string, own: { readonly yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { id, display_name: name } = await findConfig(client, text)
      await sure(`Take ${name} away?`, own.yes)
      await client.call(deleteChatModelConfig, { params: { modelConfig: id } })
      process.stdout.write(`Chats use ${name} no more.\n`)
    })
}

function detailOptions(command: Command): Command {
  return command
    .option('--name <name>', 'what people see')
    .option('--context-limit <tokens>', 'how much it takes, in tokens; 200000 for a new one')
    .option('--compact-at <percent>', 'how full of that a chat may be before it is compacted; 100 is never')
}

function detailsIn({ name, contextLimit, compactAt }: DetailFlags) {
  return {
    ...(name === undefined ? {} : { display_name: name }),
    ...(contextLimit === undefined ? {} : { context_limit: wholeNumber(contextLimit, '--context-limit') }),
    ...(compactAt === undefined ? {} : { compression_threshold: wholeNumber(compactAt, '--compact-at', 0) }),
  }
}

/** A model that is set up, by its id or names. @throws CommandError for none and for several. */
async function findConfig(client: Connection, text: string): Promise<ChatModelConfig> {
  const wanted = text.toLowerCase()
  const found = (await client.call(listChatModelConfigs)).filter(({ id, model, display_name: shown }) =>
    [id, model, shown].some((name) => name.toLowerCase() === wanted),
  )
  const [one, another] = found
  if (one === undefined)
    throw new CommandError(`there is no model ${text}: \`slipway chat models list\` shows all`)
  if (another !== undefined)
    throw new CommandError(
      `several models fit ${text}: name one by its id, ${found.map(({ id }) => id).join(', ')}`,
    )
  return one
}
