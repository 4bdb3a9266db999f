import { cp, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { type Command, InvalidArgumentError } from 'commander'

import {
  deleteTemplate,
  getTemplateByName,
  getTemplateVersionByName,
  listTemplates,
  listTemplateVersions,
  setActiveTemplateVersion,
  type Template,
  type TemplateVersion,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { listOption, option } from '../flags.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRows, span } from '../output.ts'
import { choose, sure } from '../prompt.ts'
import { type PushFlags, pushTemplate } from '../push-template.ts'
import { openSession } from '../session.ts'

const EXAMPLES = ['local-workspace']

const COLUMNS: readonly Column<Template>[] = [
  { name: 'name', value: (template) => template.name },
  { name: 'created at', value: (template) => ago(template.created_at), extra: true },
  { name: 'last updated', value: (template) => ago(template.updated_at) },
  { name: 'organization id', value: (template) => template.organization_id, extra: true },
  { name: 'organization name', value: (template) => template.organization_name, extra: true },
  { name: 'provisioner', value: (template) => template.provisioner, extra: true },
  { name: 'active version id', value: (template) => template.active_version_id, extra: true },
  { name: 'used by', value: (template) => String(template.active_user_count) },
  {
    name: 'default ttl',
    value: ({ default_ttl_ms: ttl }) => (ttl === 0 ? 'none' : span(ttl)),
    extra: true,
  },
  { name: 'engine', value: (template) => template.provisioner },
]

/** `templates …`. */
export function templateCommands(program: Command): void {
  const templates = program.command('templates')
  templates
    .command('init [directory]')
    .description('Write an example template into a folder')
    .option('--id <example>', `which example: ${EXAMPLES.join(', ')}`)
    .action(async (directory: string | undefined, own: { id?: string }) => {
      const id = own.id ?? EXAMPLES[0] ?? ''
      if (!EXAMPLES.includes(id))
        throw new CommandError(`there is no example ${id}: choose from ${EXAMPLES.join(', ')}`)
      const target = path.resolve(directory ?? id)
      const present = await readdir(target).catch(() => [])
      if (present.length > 0) throw new CommandError(`${target} is not empty: name another folder`)
      await mkdir(target, { recursive: true })
      await cp(exampleFolder(id), target, { recursive: true })
      process.stdout.write(
        `Wrote an example to ${target}.\nChange it, then make it a template: slipway templates push -d ${directory ?? id}\n`,
      )
    })
  templates
    .command('list')
    .alias('ls')
    .description('List templates')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const found = await client.call(listTemplates)
      if (found.length === 0 && own.output !== 'json')
        process.stderr.write('No templates found! Make one: slipway templates init\n')
      else printRows(found, COLUMNS, own, (template) => ({ Template: template }))
    })
  organizationOption(templates.command('push [template]'))
    .description('Make a version of a template from a folder, and the template itself when it is new')
    .addOption(
      option(
        '-d, --directory <folder>',
        'folder of the template; - for a tar archive on standard input',
        'CODER_TEMPLATE_DIRECTORY',
      ).default('.'),
    )
    .option('--name <name>', 'name of the version')
    .option('-m, --message <text>', 'what has changed')
    .addOption(
      listOption('--variable <name=value>', 'value of a template variable; may be given several times'),
    )
    .option('--variables-file <file>', 'YAML or JSON file with values of template variables')
    .addOption(listOption('--provisioner-tag <key=value>', 'tag that a provisioner must have to build it'))
    .option(
      '--activate [yes]',
      'use the version for new workspaces; --activate=false keeps the present one',
      yesNo,
      true,
    )
    .option('--no-activate', 'keep the present version for new workspaces')
    .option('--ignore-lockfile', 'say nothing about a missing lock file')
    .option('--always-prompt', 'ask for all variables, also for those with a default')
    .option('-y, --yes', 'do not ask')
    .action(async (template: string | undefined, own: PushFlags, command: Command) => {
      if (template === undefined && own.directory === '-')
        throw new CommandError('name the template: slipway templates push <name> -d -')
      const client = await openSession(command)
      await pushTemplate(client, template ?? path.basename(path.resolve(own.directory)), own)
    })
  organizationOption(templates.command('delete [template...]'))
    .alias('rm')
    .description('Delete templates')
    .option('-y, --yes', 'do not ask')
    .action(async (given: string[], own: OrganizationFlags & { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const organization = await chosenOrganization(client, own)
      const names = given.length > 0 ? given : [await whichTemplate(client, organization.id)]
      await sure(`Delete ${names.join(', ')}?`, own.yes)
      for (const name of names) {
        const found = await named(client, organization.id, name)
        await client.call(deleteTemplate, { params: { template: found.id } })
        process.stdout.write(`Deleted template ${name}.\n`)
      }
    })
  const versions = templates.command('versions').alias('version').description('Versions of a template')
  organizationOption(versions.command('list <template>'))
    .description('List the versions of a template')
    .option('--include-archived', 'archived versions, too')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(
      async (
        name: string,
        own: OutputFlags & OrganizationFlags & { includeArchived?: boolean },
        command: Command,
      ) => {
        const client = await openSession(command)
        const template = await named(client, (await chosenOrganization(client, own)).id, name)
        const rows = await client.call(listTemplateVersions, {
          params: { template: template.id },
          query: { include_archived: own.includeArchived ?? false },
        })
        const columns: readonly Column<TemplateVersion>[] = [
          { name: 'name', value: (version) => version.name },
          { name: 'created at', value: (version) => ago(version.created_at) },
          { name: 'created by', value: (version) => version.created_by.username },
          { name: 'status', value: (version) => version.job.status },
          { name: 'active', value: (version) => (version.id === template.active_version_id ? 'Active' : '') },
          { name: 'archived', value: (version) => String(version.archived), extra: true },
        ]
        printRows(rows, columns, own)
      },
    )
  organizationOption(versions.command('promote'))
    .description('Use a version for new workspaces')
    .addOption(option('-t, --template <name>', 'template', 'CODER_TEMPLATE_NAME').makeOptionMandatory())
    .addOption(
      option('--template-version <name>', 'version', 'CODER_TEMPLATE_VERSION_NAME').makeOptionMandatory(),
    )
    .action(
      async (own: OrganizationFlags & { template: string; templateVersion: string }, command: Command) => {
        const client = await openSession(command)
        const template = await named(client, (await chosenOrganization(client, own)).id, own.template)
        const version = await client.call(getTemplateVersionByName, {
          params: { template: template.id, templateversionname: own.templateVersion },
        })
        await client.call(setActiveTemplateVersion, {
          params: { template: template.id },
          body: { id: version.id },
        })
        process.stdout.write(`Version ${version.name} of template ${template.name} is active.\n`)
      },
    )
}

function named(client: Connection, organization: string, name: string): Promise<Template> {
  return client.call(getTemplateByName, { params: { organization, templatename: name } })
}

async function whichTemplate(client: Connection, organization: string): Promise<string> {
  const templates = (await client.call(listTemplates)).filter((one) => one.organization_id === organization)
  if (templates.length === 0) throw new CommandError('there is no template to delete')
  return choose(
    'Template to delete',
    'name the templates to delete',
    templates.map(({ name }) => name),
  )
}

function yesNo(text: string): boolean {
  if (/^(true|yes|1)$/i.test(text)) return true
  if (/^(false|no|0)$/i.test(text)) return false
  throw new InvalidArgumentError('write --activate=true or --activate=false.')
}

function exampleFolder(id: string): string {
  return fileURLToPath(new URL(`../../../server/src/templates/builtin/${id}/`, import.meta.url))
}
