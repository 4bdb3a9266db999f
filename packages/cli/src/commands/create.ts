import type { Command } from 'commander'

import {
  createWorkspace,
  getTemplate,
  listBuildParameters,
  listTemplateVersionParameters,
} from '@slipway/contract'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { option } from '../flags.ts'
import { followOwnBuild } from '../follow-build.ts'
import { organizationOption } from '../organization.ts'
import { chosenValues, type ParameterFlags, parameterOptions } from '../parameter-flags.ts'
import { ask } from '../prompt.ts'
import { openSession } from '../session.ts'
import { startTime } from '../start-time.ts'
import { chosenPreset, chosenTemplate, chosenVersion, type TemplateFlags } from '../template-choice.ts'
import { findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

interface CreateFlags extends ParameterFlags, TemplateFlags {
  readonly wait: boolean
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
      const template =
        own.template === undefined && source !== undefined
          ? await client.call(getTemplate, { params: { template: source.template_id } })
          : await chosenTemplate(client, own)
      const copies = own.template === undefined && own.templateVersion === undefined
      const version =
        copies && source?.template_id === template.id
          ? source.latest_build.template_version_id
          : await chosenVersion(client, template, own)
      const preset = await chosenPreset(client, version, own.preset)
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
      if (own.wait) await followOwnBuild(client, made.latest_build)
      process.stdout.write(
        `The ${workspace} workspace has been created! Connect with: slipway ssh ${owner === 'me' ? '' : `${owner}/`}${workspace}\n`,
      )
    })
}

function automaticUpdates(text: string): 'always' | 'never' {
  if (text === 'always' || text === 'never') return text
  throw new CommandError(`--automatic-updates must be always or never, not ${JSON.stringify(text)}`)
}
