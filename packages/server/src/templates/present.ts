import {
  NO_ID,
  type Preset,
  type Template,
  type TemplateBuildTimeStats,
  type TemplateVersion,
  type TemplateVersionParameter,
  type TemplateVersionVariable,
} from '@slipway/contract'
import {
  type Matching,
  presentJob,
  presentMatching,
  type QueuePlace,
  type RichParameter,
} from '../provisioning/index.ts'
import type { TemplateRow } from './store/templates.ts'
import type { listPresets, listVariables } from './store/version-parts.ts'
import type { VersionRow } from './store/versions.ts'
import { weekdaysOf } from './weekdays.ts'

const NS_PER_MS = 1_000_000

/** A template as the API shows it. */
export function presentTemplate(row: TemplateRow, buildTimes: TemplateBuildTimeStats): Template {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    organization_id: row.organization_id,
    organization_name: row.organization_name,
    organization_display_name: row.organization_display_name,
    organization_icon: row.organization_icon,
    name: row.name,
    display_name: row.display_name,
    description: row.description,
    icon: row.icon,
    provisioner: row.provisioner,
    active_version_id: row.active_version_id,
    active_user_count: row.active_user_count,
    build_time_stats: buildTimes,
    default_ttl_ms: row.default_ttl / NS_PER_MS,
    activity_bump_ms: row.activity_bump / NS_PER_MS,
    time_til_autostop_notify_ms: row.time_til_autostop_notify / NS_PER_MS,
    autostop_requirement: {
      days_of_week: weekdaysOf(row.autostop_requirement_days),
      weeks: row.autostop_requirement_weeks,
    },
    autostart_requirement: { days_of_week: weekdaysOf(~row.autostart_block_days & 0b111_1111) },
    created_by_id: row.created_by,
    created_by_name: row.created_by_name,
    allow_user_autostart: row.allow_user_autostart,
    allow_user_autostop: row.allow_user_autostop,
    allow_user_cancel_workspace_jobs: row.allow_user_cancel_workspace_jobs,
    failure_ttl_ms: row.failure_ttl / NS_PER_MS,
    time_til_dormant_ms: row.time_til_dormant / NS_PER_MS,
    time_til_dormant_autodelete_ms: row.time_til_dormant_autodelete / NS_PER_MS,
    require_active_version: row.require_active_version,
    max_port_share_level: row.max_port_sharing_level as Template['max_port_share_level'],
    use_classic_parameter_flow: row.use_classic_parameter_flow,
    cors_behavior: row.cors_behavior as Template['cors_behavior'],
    agents_allowed: row.agents_allowed,
    disable_module_cache: row.disable_module_cache,
    deprecated: row.deprecated !== '',
    deprecation_message: row.deprecated,
    deleted: row.deleted,
  }
}

/** A version as the API shows it (WS-103). */
export function presentVersion(
  row: VersionRow,
  queue: { readonly place?: QueuePlace | undefined; readonly matching?: Matching | undefined } = {},
): TemplateVersion {
  return {
    id: row.id,
    // Clients expect the zero UUID while a version has no template (WS-100).
    template_id: row.template_id ?? NO_ID,
    organization_id: row.organization_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    name: row.name,
    message: row.message,
    readme: row.readme,
    archived: row.archived,
    job: presentJob(row.job, queue.place),
    created_by: row.creator,
    has_external_agent: row.has_external_agent,
    warnings: [],
    ...(queue.matching === undefined ? {} : { matched_provisioners: presentMatching(queue.matching) }),
  }
}

/** A parameter as the API shows it (WS-110). */
export function presentParameter(parameter: RichParameter): TemplateVersionParameter {
  const rule = parameter.validation
  return {
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    description_plaintext: plain(parameter.description),
    type: parameter.type,
    form_type: parameter.formType,
    mutable: parameter.mutable,
    default_value: parameter.defaultValue,
    icon: parameter.icon,
    options: parameter.options.map((option) => ({ ...option })),
    required: parameter.required,
    ephemeral: parameter.ephemeral,
    ...(rule === null
      ? {}
      : {
          validation_error: rule.error,
          validation_regex: rule.regex,
          validation_min: rule.min,
          validation_max: rule.max,
          ...(rule.monotonic === '' ? {} : { validation_monotonic: rule.monotonic }),
        }),
  }
}

/** Markdown without its marks; an underscore inside of a word is none. */
function plain(markdown: string): string {
  return markdown.replace(/[*`#]|(?<!\w)_|_(?!\w)|\[([^[\]]*)\]\([^()]*\)/g, '$1')
}

/** A variable as the API shows it; secrets are never shown (WS-111). */
export function presentVariable(
  row: Awaited<ReturnType<typeof listVariables>>[number],
): TemplateVersionVariable {
  const hide = (value: string): string => (row.sensitive ? '*redacted*' : value)
  return {
    name: row.name,
    description: row.description,
    type: row.type === 'number' || row.type === 'bool' ? row.type : 'string',
    value: hide(row.value),
    default_value: hide(row.default_value),
    required: row.required,
    sensitive: row.sensitive,
  }
}

/** A preset as the API shows it, with the key names of the contract (WS-112). */
export function presentPreset(row: Awaited<ReturnType<typeof listPresets>>[number]): Preset {
  return {
    ID: row.id,
    Name: row.name,
    Description: row.description,
    Icon: row.icon,
    Default: row.is_default,
    DesiredPrebuildInstances: row.desired_instances,
    Parameters: presetValues(row.parameters).map(({ name, value }) => ({ Name: name, Value: value })),
  }
}

/** The values of a stored preset. */
export function presetValues(stored: unknown): { name: string; value: string }[] {
  if (typeof stored !== 'object' || stored === null) return []
  return Object.entries(stored).map(([name, value]) => ({ name, value: String(value) }))
}
