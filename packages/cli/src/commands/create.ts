import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  createWorkspace,
  getTemplate,
  getTemplateByName,
  getTemplateVersionByName,
  listBuildParameters,
  listTemplates,
  listTemplateVersionParameters,
  listTemplateVersionPresets,
  type Preset,
  type Template,
  type Workspace,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { option } from '../flags.ts'
import { followBuild } from '../follow-build.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { chosenValues, type ParameterFlags, parameterOptions } from '../parameter-flags.ts'
import { ask, choose } from '../prompt.ts'
import { openSession } from '../session.ts'
import { startTime } from '../start-time.ts'
import { findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

interface CreateFlags extends ParameterFlags, OrganizationFlags {
  readonly wait: boolean
  readonly template?: string
  readonly templateVersion?: string
  readonly preset?: string
  readonly startAt?: string
  readonly stopAfter?: string
  readonly automaticUpdates?: string
  readonly copyParametersFrom?: string
}

/** `create`. */
export function createCommand(program: Command): void {
  organizationOption(parameterOptions(program.command('create [workspace]')))
    .addOption(option('-t, --template <name>', 'template to build it from', 'CODER_TEMPLATE_NAME'))
    .addOption(option('--template-version <name>', 'version of the template', 'CODER_TEMPLATE_VERSION'))
    .addOption(option('--preset <name>', 'preset of the version; none for no preset', 'CODER_PRESET_NAME'))
    .addOption(
      option(
        '--start-at <schedule>',
        'when it starts by itself, such as "9:30AM Mon-Fri Europe/Berlin"',
        'CODER_WORKSPACE_START_AT',
      ),
    )
    .addOption(
      option(
        '--stop-after <duration>',
        'how long after a start it stops by itself, such as 8h; 0s for never',
        'CODER_WORKSPACE_STOP_AFTER',
      ),
    )
    .addOption(
      option(
        '--automatic-updates <always|never>',
        'whether a start takes the active version',
        'CODER_WORKSPACE_AUTOMATIC_UPDATES',
      ),
    )
    .addOption(
      option(
        '--copy-parameters-from <workspace>',
        'workspace whose values to take, and whose template unless one is named',
        'CODER_WORKSPACE_COPY_PARAMETERS_FROM',
      ),
    )
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'take defaults instead of asking')
    .action(async (name: string | undefined, own: CreateFlags, command: Command) => {
      const timing = {
        ...(own.startAt === undefined ? {} : { autostart_schedule: startTime(own.startAt) }),
        ...(own.stopAfter === undefined
          ? {}
          : { ttl_ms: Math.round(duration(own.stopAfter, '--stop-after')) }),
        ...(own.automaticUpdates === undefined
          ? {}
          : { automatic_updates: automaticUpdates(own.automaticUpdates) }),
      }
      const client = await openSession(command)
      const wanted = name ?? (await ask('Name of the workspace', 'the name'))
      const { owner, workspace } = parseWorkspaceName(wanted)
      const source =
        own.copyParametersFrom === undefined ? undefined : await findWorkspace(client, own.copyParametersFrom)
      const template = await templateOf(client, own, source)
      const version = await versionOf(client, template, own, source)
      const preset = await presetOf(client, version, own.preset)
      const fixed = new Set(preset?.Parameters.map(({ Name }) => Name))
      const parameters = await client.call(listTemplateVersionParameters, {
        params: { templateversion: version },
      })
      const copied =
        source === undefined
          ? []
          : await client.call(listBuildParameters, { params: { workspacebuild: source.latest_build.id } })
      const values = await chosenValues(
        parameters.map((one) => (fixed.has(one.name) ? { ...one, required: false } : one)),
        own,
        copied.filter((entry) => !fixed.has(entry.name)),
      )
      const made = await client.call(createWorkspace, {
        params: { user: owner },
        body: {
          name: workspace,
          rich_parameter_values: values,
          ...(version === template.active_version_id
            ? { template_id: template.id }
            : { template_version_id: version }),
          ...(preset === undefined ? {} : { template_version_preset_id: preset.ID }),
          ...timing,
        },
      })
      if (own.wait) await followBuild(client, made.latest_build)
      process.stdout.write(
        `The ${workspace} workspace has been created! Connect with: slipway ssh ${owner === 'me' ? '' : `${owner}/`}${workspace}\n`,
      )
    })
}

async function templateOf(
  client: Connection,
  own: CreateFlags,
  source: Workspace | undefined,
): Promise<Template> {
  if (own.template === undefined && source !== undefined)
    return client.call(getTemplate, { params: { template: source.template_id } })
  const named = own.org
  const templates = (await client.call(listTemplates)).filter(
    (one) => named === undefined || one.organization_name === named || one.organization_id === named,
  )
  if (own.template === undefined) {
    const [only, another] = templates
    if (only === undefined)
      throw new CommandError('there is no template yet: make one with `slipway templates push`')
    if (another === undefined) return only
    const names = templates.map(({ name }) => name)
    const chosen = await choose('Template', 'name a template with --template', names)
    return templates.find(({ name }) => name === chosen) ?? only
  }
  const found = templates.filter(({ name }) => name === own.template)
  const [only, another] = found
  if (only !== undefined && another === undefined) return only
  if (only !== undefined)
    throw new CommandError(
      `several organizations have a template ${own.template}, name one with --org: ${found.map((one) => one.organization_name).join(', ')}`,
    )
  // The server knows better than a list whether there is none, or one that may not be seen.
  const organization = await chosenOrganization(client, own)
  return client
    .call(getTemplateByName, { params: { organization: organization.id, templatename: own.template } })
    .catch((error: unknown) => {
      if (!(error instanceof ApiFailure && error.status === 404)) throw error
      const names = templates.map(({ name }) => name).join(', ') || 'none yet'
      throw new CommandError(`template ${own.template} was not found: there is ${names}`)
    })
}

async function versionOf(
  client: Connection,
  template: Template,
  own: CreateFlags,
  source: Workspace | undefined,
): Promise<string> {
  if (own.templateVersion === undefined)
    return source?.template_id === template.id && own.template === undefined
      ? source.latest_build.template_version_id
      : template.active_version_id
  const version = await client.call(getTemplateVersionByName, {
    params: { template: template.id, templateversionname: own.templateVersion },
  })
  return version.id
}

async function presetOf(
  client: Connection,
  version: string,
  name: string | undefined,
): Promise<Preset | undefined> {
  if (name === undefined || name === 'none') return undefined
  const presets = await client.call(listTemplateVersionPresets, { params: { templateversion: version } })
  const found = presets.find((preset) => preset.Name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new CommandError(
      `the template has no preset ${name}: it has ${presets.map((one) => one.Name).join(', ') || 'none'}`,
    )
  return found
}

function automaticUpdates(text: string): 'always' | 'never' {
  if (text === 'always' || text === 'never') return text
  throw new CommandError(`--automatic-updates must be always or never, not ${JSON.stringify(text)}`)
}
