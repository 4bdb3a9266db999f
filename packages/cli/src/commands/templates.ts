import { cp, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Command } from 'commander'

import { ApiFailure, type Client } from '@slipway/client'
import {
  createTemplate,
  createTemplateVersion,
  deleteTemplate,
  getTemplateByName,
  getTemplateVersion,
  listTemplates,
  listTemplateVersionLogs,
  listTemplateVersions,
  setActiveTemplateVersion,
  type Template,
  type TemplateVersion,
  uploadFile,
} from '@slipway/contract'
import { archiveOf } from '../archive.ts'
import { CommandError } from '../errors.ts'
import { followLogs } from '../follow-build.ts'
import { ago, type Column, type OutputFlags, printRows } from '../output.ts'
import { pairs } from '../parameter-flags.ts'
import { sure } from '../prompt.ts'
import { repeat } from '../repeat.ts'
import { type GlobalFlags, openSession } from '../session.ts'

const COLUMNS: readonly Column<Template>[] = [
  { name: 'name', value: (template) => template.name },
  { name: 'last updated', value: (template) => ago(template.updated_at) },
  { name: 'used by', value: (template) => String(template.active_user_count) },
  { name: 'engine', value: (template) => template.provisioner },
]

interface PushFlags {
  readonly directory: string
  readonly name?: string
  readonly message?: string
  readonly variable?: readonly string[]
  readonly provisionerTag?: readonly string[]
  readonly activate: boolean
  readonly yes?: boolean
  readonly org: string
}

/** `templates …`. */
export function templateCommands(program: Command): void {
  const templates = program.command('templates').alias('template').description('Manage templates')
  templates
    .command('init [directory]')
    .description('Write an example template into a folder')
    .action(async (directory: string | undefined) => {
      const target = path.resolve(directory ?? 'local-workspace')
      const present = await readdir(target).catch(() => [])
      if (present.length > 0) throw new CommandError(`${target} is not empty: name another folder`)
      await mkdir(target, { recursive: true })
      await cp(exampleFolder(), target, { recursive: true })
      process.stdout.write(
        `Wrote an example to ${target}.\nChange it, then make it a template: slipway templates push -d ${directory ?? 'local-workspace'}\n`,
      )
    })
  templates
    .command('list')
    .alias('ls')
    .description('List templates')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      printRows(await client.call(listTemplates), COLUMNS, own, (template) => ({ Template: template }))
    })
  templates
    .command('push [template]')
    .description('Make a version of a template from a folder, and the template itself when it is new')
    .option('-d, --directory <folder>', 'folder of the template', '.')
    .option('--name <name>', 'name of the version')
    .option('-m, --message <text>', 'what has changed')
    .option('--variable <name=value>', 'value of a template variable; may be given several times', repeat)
    .option('--provisioner-tag <key=value>', 'tag that a provisioner must have to build it', repeat)
    .option('--no-activate', 'keep the present version for new workspaces')
    .option('--org <organization>', 'organization of the template', 'default')
    .option('-y, --yes', 'do not ask')
    .action(async (template: string | undefined, own: PushFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const name = template ?? path.basename(path.resolve(own.directory))
      await push(client, name, own)
    })
  templates
    .command('delete <template...>')
    .alias('rm')
    .description('Delete templates')
    .option('--org <organization>', 'organization of the templates', 'default')
    .option('-y, --yes', 'do not ask')
    .action(async (names: string[], own: { org: string; yes?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      await sure(`Delete ${names.join(', ')}?`, own.yes)
      for (const name of names) {
        const found = await client.call(getTemplateByName, {
          params: { organization: own.org, templatename: name },
        })
        await client.call(deleteTemplate, { params: { template: found.id } })
        process.stdout.write(`Deleted template ${name}.\n`)
      }
    })
  const versions = templates.command('versions').description('Versions of a template')
  versions
    .command('list <template>')
    .description('List the versions of a template')
    .option('--org <organization>', 'organization of the template', 'default')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (name: string, own: OutputFlags & { org: string }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const template = await client.call(getTemplateByName, {
        params: { organization: own.org, templatename: name },
      })
      const rows = await client.call(listTemplateVersions, { params: { template: template.id } })
      const columns: readonly Column<TemplateVersion>[] = [
        { name: 'name', value: (version) => version.name },
        { name: 'created at', value: (version) => ago(version.created_at) },
        { name: 'created by', value: (version) => version.created_by.username },
        { name: 'status', value: (version) => version.job.status },
        { name: 'active', value: (version) => (version.id === template.active_version_id ? 'Active' : '') },
      ]
      printRows(rows, columns, own)
    })
}

async function push(client: Client, name: string, own: PushFlags): Promise<void> {
  const existing = await client
    .call(getTemplateByName, { params: { organization: own.org, templatename: name } })
    .catch((error: unknown) => {
      if (error instanceof ApiFailure && error.status === 404) return undefined
      throw error
    })
  if (existing === undefined) await sure(`There is no template ${name} yet. Make it?`, own.yes)
  const archive = await archiveOf(path.resolve(own.directory))
  const { hash } = await client.upload(uploadFile, archive.bytes, 'application/x-tar')
  const version = await client.call(createTemplateVersion, {
    params: { organization: own.org },
    body: {
      storage_method: 'file',
      file_id: hash,
      provisioner: archive.provisioner,
      ...(existing === undefined ? {} : { template_id: existing.id }),
      ...(own.name === undefined ? {} : { name: own.name }),
      ...(own.message === undefined ? {} : { message: own.message }),
      user_variable_values: pairs(own.variable, '--variable'),
      tags: Object.fromEntries(
        pairs(own.provisionerTag, '--provisioner-tag').map((tag) => [tag.name, tag.value]),
      ),
    },
  })
  await followLogs(
    client,
    client.address(listTemplateVersionLogs, { params: { templateversion: version.id } }),
  )
  const imported = await client.call(getTemplateVersion, { params: { templateversion: version.id } })
  if (imported.job.status !== 'succeeded')
    throw new CommandError(`the import has failed: ${imported.job.error ?? imported.job.status}`)
  if (existing === undefined)
    await client.call(createTemplate, {
      params: { organization: own.org },
      body: { name, template_version_id: version.id },
    })
  else if (own.activate)
    await client.call(setActiveTemplateVersion, {
      params: { template: existing.id },
      body: { id: version.id },
    })
  process.stdout.write(
    existing === undefined
      ? `Made template ${name} with version ${imported.name}.\n`
      : `Version ${imported.name} of template ${name} ${own.activate ? 'is active' : 'was made'}.\n`,
  )
}

function exampleFolder(): string {
  return fileURLToPath(new URL('../../../server/src/templates/builtin/local-workspace/', import.meta.url))
}
