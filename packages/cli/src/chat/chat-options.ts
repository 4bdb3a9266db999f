import type { Command } from 'commander'

import type { CreateChatRequest } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { listOption, option } from '../flags.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { standardInput } from '../standard-input.ts'
import { findWorkspace } from '../workspace-name.ts'
import { findModel } from './find-chat.ts'

/** What says which model answers, and how. */
export interface ModelFlags {
  readonly model?: string
  readonly effort?: string
  readonly plan?: boolean
}

/** What a new chat is made with. */
export interface NewChatFlags extends ModelFlags, OrganizationFlags {
  readonly organization?: string
  readonly workspace?: string
  readonly label?: readonly string[]
  readonly systemPrompt?: string
}

/** What goes along with a message. */
export interface FileFlags {
  readonly file?: readonly string[]
}

/** Adds the flags of {@link FileFlags}. */
export function fileOption(command: Command): Command {
  return command.addOption(
    listOption('-f, --file <path>', 'file for the model: an image, PDF or text; may be given several times'),
  )
}

/** Adds the flags of {@link ModelFlags}. */
export function modelOptions(command: Command): Command {
  return command
    .addOption(option('-m, --model <model>', 'model that answers, by name or id', 'SLIPWAY_CHAT_MODEL'))
    .option('--effort <effort>', 'how much the model thinks: none, minimal, low, medium, high, xhigh or max')
    .option('--plan', 'make a plan before anything is changed')
}

/** Adds the flags of {@link NewChatFlags}. */
export function newChatOptions(command: Command): Command {
  return modelOptions(organizationOption(command))
    .addOption(option('--organization <organization>', 'the same as --org').hideHelp())
    .option('-w, --workspace <workspace>', 'workspace to work in, as [owner/]name')
    .addOption(listOption('-l, --label <key=value>', 'label of the chat; may be given several times'))
    .option('--system-prompt <text>', 'further instructions for the model')
}

/** What these flags mean in a request. A workspace says which organization it is. @throws CommandError, ApiFailure. */
export async function newChat(
  client: Connection,
  flags: NewChatFlags,
): Promise<Omit<CreateChatRequest, 'content'> & { readonly organization_id: string }> {
  const labels = labelsIn(flags.label ?? [])
  const workspace = flags.workspace === undefined ? undefined : await findWorkspace(client, flags.workspace)
  const named = flags.org ?? flags.organization
  const organization =
    workspace !== undefined && named === undefined
      ? workspace.organization_id
      : (await chosenOrganization(client, named === undefined ? {} : { org: named })).id
  return {
    organization_id: organization,
    ...(workspace === undefined ? {} : { workspace_id: workspace.id }),
    ...(await modelChoice(client, flags)),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(flags.systemPrompt === undefined ? {} : { system_prompt: flags.systemPrompt }),
  }
}

/** What these flags mean in a request. @throws CommandError for an unknown model. */
export async function modelChoice(client: Connection, { model, effort, plan }: ModelFlags) {
  return {
    ...(model === undefined ? {} : { model_config_id: (await findModel(client, model)).id }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(plan === undefined ? {} : { plan_mode: plan ? 'plan' : '' }),
  }
}

/** Labels of `key=value`. @throws CommandError for what is none. */
export function labelsIn(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=')
      if (at < 1) throw new CommandError(`--label must be key=value, not ${JSON.stringify(entry)}`)
      return [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

/** The message that was given, else standard input; `-` says so. @throws CommandError for an empty one. */
export async function messageOf(words: readonly string[]): Promise<string> {
  const [first, second] = words
  const text =
    first === undefined || (first === '-' && second === undefined)
      ? await standardInput('the message')
      : words.join(' ')
  if (text.trim() === '') throw new CommandError('the message is empty')
  return text.trim()
}
