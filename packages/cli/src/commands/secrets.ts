import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'

import {
  createUserSecret,
  deleteUserSecret,
  getUserSecret,
  importUserSecrets,
  listUserSecrets,
  type UserSecret,
  updateUserSecret,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ago, type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { askNewSecret, interactive, sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { standardInput } from '../standard-input.ts'

const FORMATS = ['env', 'json', 'yaml'] as const
const ME = { user: 'me' }

const COLUMNS: readonly Column<UserSecret>[] = [
  { name: 'id', value: (secret) => secret.id, extra: true },
  { name: 'name', value: (secret) => secret.name },
  { name: 'env', value: (secret) => secret.env_name },
  { name: 'file', value: (secret) => secret.file_path },
  { name: 'enabled', value: (secret) => String(secret.enabled) },
  { name: 'description', value: (secret) => secret.description },
  { name: 'created at', value: (secret) => ago(secret.created_at), extra: true },
  { name: 'updated at', value: (secret) => ago(secret.updated_at) },
]

interface DetailFlags {
  readonly value?: string
  readonly description?: string
  readonly env?: string
  readonly file?: string
}

/** `secret …`: secrets of one's own; nobody else may read or change them (ID-194). */
export function secretCommands(program: Command): void {
  const secrets = program.command('secret')
  detailOptions(secrets.command('create <name>'))
    .description('Keep a secret: its value comes from --value, standard input or a question')
    .option('--disabled', 'give it to no workspace yet')
    .addHelpText(
      'after',
      '\nFor example: printf %s "$TOKEN" | slipway secret create registry --env REGISTRY_TOKEN',
    )
    .action(async (name: string, own: DetailFlags & { disabled?: boolean }, command: Command) => {
      const client = await openSession(command)
      const value =
        own.value ?? (interactive() ? await askNewSecret('Value', '--value') : await pipedValue(own))
      const made = await client.call(createUserSecret, {
        params: ME,
        body: { name, value, ...detailsIn(own), ...(own.disabled === true ? { enabled: false } : {}) },
      })
      process.stdout.write(`Made the secret ${made.name}. Workspaces get it when they start.\n`)
    })
  detailOptions(secrets.command('update <name>'))
    .description('Change a secret; an empty text clears')
    .option('--stdin', 'read the new value from standard input')
    .action(async (name: string, own: DetailFlags & { stdin?: boolean }, command: Command) => {
      if (own.stdin === true && own.value !== undefined)
        throw new CommandError('give the value with --value or with --stdin')
      const value = own.stdin === true ? await pipedValue(own) : own.value
      const body = { ...detailsIn(own), ...(value === undefined ? {} : { value }) }
      if (Object.keys(body).length === 0)
        throw new CommandError('say what to change: --value, --stdin, --description, --env or --file')
      const client = await openSession(command)
      const changed = await client.call(updateUserSecret, { params: { ...ME, name }, body })
      process.stdout.write(`Changed the secret ${changed.name}. Workspaces get it when they start.\n`)
    })
  tableOptions(secrets.command('list [name]'), COLUMNS)
    .alias('ls')
    .description('List your secrets, or show one; nothing shows their values')
    .action(async (name: string | undefined, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      if (name === undefined) printRows(await client.call(listUserSecrets, { params: ME }), COLUMNS, own)
      else printRow(await client.call(getUserSecret, { params: { ...ME, name } }), COLUMNS, own)
    })
  secrets
    .command('delete <name>')
    .alias('rm')
    .alias('remove')
    .description('Delete a secret')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      await sure(`Delete the secret ${name}? This cannot be undone.`, own.yes)
      await client.call(deleteUserSecret, { params: { ...ME, name } })
      process.stdout.write(`Deleted the secret ${name}.\n`)
    })
  for (const [word, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const)
    secrets
      .command(`${word} <name>`)
      .description(enabled ? 'Give a secret to workspaces that start' : 'Give a secret to no workspace')
      .action(async (name: string, _own: unknown, command: Command) => {
        const client = await openSession(command)
        await client.call(updateUserSecret, { params: { ...ME, name }, body: { enabled } })
        process.stdout.write(`The secret ${name} is ${word}d.\n`)
      })
  tableOptions(secrets.command('import [file]'), COLUMNS)
    .description('Make a secret of each entry of a file, or of standard input: all of them or none')
    .option('--format <format>', `${FORMATS.join(', ')}; that of the file's name when absent, else env`)
    .action(async (file: string | undefined, own: OutputFlags & { format?: string }, command: Command) => {
      const format = formatOf(file, own.format)
      const content = await contentOf(file)
      const client = await openSession(command)
      const made = await client.call(importUserSecrets, { params: ME, body: { format, content } })
      printRows(made, COLUMNS, own)
    })
}

function detailOptions(command: Command): Command {
  return command
    .option(
      '--value <value>',
      'the secret; other programs of this machine may see it in the list of processes',
    )
    .option('--description <text>', 'what it is for')
    .option('--env <name>', 'variable that holds it in your workspaces')
    .option('--file <path>', 'file that holds it in your workspaces, such as ~/.netrc')
}

function detailsIn(own: DetailFlags) {
  return {
    ...(own.description === undefined ? {} : { description: own.description }),
    ...(own.env === undefined ? {} : { env_name: own.env }),
    ...(own.file === undefined ? {} : { file_path: own.file }),
  }
}

/** The value as it comes: a file may need the line break at its end. */
async function pipedValue(own: DetailFlags): Promise<string> {
  const value = await standardInput('the value')
  if (value === '') throw new CommandError('--value is required: standard input is empty')
  if (value.endsWith('\n') && own.env !== undefined)
    process.stderr.write(
      'The value ends with a line break, which the variable has, too; `printf %s` writes none.\n',
    )
  return value
}

function formatOf(file: string | undefined, given: string | undefined): (typeof FORMATS)[number] {
  if (given === undefined) {
    if (file !== undefined && /\.json$/i.test(file)) return 'json'
    return file !== undefined && /\.ya?ml$/i.test(file) ? 'yaml' : 'env'
  }
  const known = FORMATS.find((format) => format === given)
  if (known === undefined)
    throw new CommandError(`--format must be one of ${FORMATS.join(', ')}, not ${JSON.stringify(given)}`)
  return known
}

async function contentOf(file: string | undefined): Promise<string> {
  if (file === undefined || file === '-') return standardInput('the file')
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
}
