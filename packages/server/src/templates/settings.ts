import type { CreateTemplateRequest, UpdateTemplateMeta } from '@slipway/contract'
import { badRequest, type Validation } from '../errors/index.ts'
import type { TemplateSettings } from './store/templates.ts'
import { weekdayBits } from './weekdays.ts'

const NS_PER_MS = 1_000_000
const MINUTE_MS = 60_000
const ALL_DAYS = 0b111_1111
/** Ten years: far beyond any use, and exact as nanoseconds in a double. */
const MAX_MS = 315_360_000_000

/** Columns for a new template (WS-80). @throws ApiError 400 naming each refused field. */
export function settingsOfNewTemplate(request: CreateTemplateRequest): TemplateSettings {
  const faults: Validation[] = []
  checkDurations(
    {
      default_ttl_ms: request.default_ttl_ms,
      activity_bump_ms: request.activity_bump_ms,
      failure_ttl_ms: request.failure_ttl_ms,
      dormant_ttl_ms: request.dormant_ttl_ms,
      delete_ttl_ms: request.delete_ttl_ms,
    },
    0,
    faults,
  )
  const settings = {
    ...common(request, faults),
    ...columns({
      time_til_dormant: request.dormant_ttl_ms,
      time_til_dormant_autodelete: request.delete_ttl_ms,
    }),
    ...(request.template_use_classic_parameter_flow === undefined
      ? {}
      : { use_classic_parameter_flow: request.template_use_classic_parameter_flow }),
  }
  if (faults.length > 0) throw badRequest('Invalid create template request.', { validations: faults })
  return settings
}

/** Columns that a request changes (WS-85). @throws ApiError 400 naming each refused field. */
export function settingsOfUpdate(request: UpdateTemplateMeta): TemplateSettings {
  const faults: Validation[] = []
  const { cors_behavior: cors, ...others } = request
  checkDurations(
    { default_ttl_ms: request.default_ttl_ms, activity_bump_ms: request.activity_bump_ms },
    0,
    faults,
  )
  checkDurations(
    {
      failure_ttl_ms: request.failure_ttl_ms,
      time_til_dormant_ms: request.time_til_dormant_ms,
      time_til_dormant_autodelete_ms: request.time_til_dormant_autodelete_ms,
    },
    MINUTE_MS,
    faults,
  )
  const settings = {
    ...common(cors === undefined || cors === '' ? others : { ...others, cors_behavior: cors }, faults),
    ...columns({
      time_til_dormant: request.time_til_dormant_ms,
      time_til_dormant_autodelete: request.time_til_dormant_autodelete_ms,
    }),
    ...(request.deprecation_message === undefined ? {} : { deprecated: request.deprecation_message }),
    ...(request.disable_module_cache === undefined
      ? {}
      : { disable_module_cache: request.disable_module_cache }),
    ...(request.use_classic_parameter_flow === undefined
      ? {}
      : { use_classic_parameter_flow: request.use_classic_parameter_flow }),
  }
  if (faults.length > 0)
    throw badRequest('Invalid request to update template metadata!', { validations: faults })
  return settings
}

type Common = Pick<
  CreateTemplateRequest & UpdateTemplateMeta,
  | 'display_name'
  | 'description'
  | 'icon'
  | 'default_ttl_ms'
  | 'activity_bump_ms'
  | 'time_til_autostop_notify_ms'
  | 'failure_ttl_ms'
  | 'autostop_requirement'
  | 'autostart_requirement'
  | 'allow_user_autostart'
  | 'allow_user_autostop'
  | 'allow_user_cancel_workspace_jobs'
  | 'require_active_version'
  | 'max_port_share_level'
  | 'cors_behavior'
  | 'agents_allowed'
>

function common(request: Partial<Common>, faults: Validation[]): TemplateSettings {
  checkDurations({ time_til_autostop_notify_ms: request.time_til_autostop_notify_ms }, MINUTE_MS, faults)
  const weeks = request.autostop_requirement?.weeks
  if (weeks !== undefined && (weeks < 0 || weeks > 16))
    faults.push({ field: 'autostop_requirement.weeks', detail: 'must be between 0 and 16' })
  for (const [field, limit] of [
    ['description', 128],
    ['icon', 256],
  ] as const)
    if ((request[field]?.length ?? 0) > limit)
      faults.push({ field, detail: `must be at most ${limit} characters` })
  const name = request.display_name
  if (name !== undefined && (name.length > 64 || name !== name.trim()))
    faults.push({ field: 'display_name', detail: 'must be at most 64 characters without spaces around them' })
  return {
    ...defined({
      display_name: request.display_name,
      description: request.description,
      icon: request.icon,
      allow_user_autostart: request.allow_user_autostart,
      allow_user_autostop: request.allow_user_autostop,
      allow_user_cancel_workspace_jobs: request.allow_user_cancel_workspace_jobs,
      require_active_version: request.require_active_version,
      max_port_sharing_level: request.max_port_share_level,
      cors_behavior: request.cors_behavior,
      agents_allowed: request.agents_allowed,
    }),
    ...columns({
      default_ttl: request.default_ttl_ms,
      activity_bump: request.activity_bump_ms,
      time_til_autostop_notify: request.time_til_autostop_notify_ms,
      failure_ttl: request.failure_ttl_ms,
    }),
    ...(request.autostop_requirement === undefined
      ? {}
      : {
          autostop_requirement_days: weekdayBits(request.autostop_requirement.days_of_week ?? []),
          autostop_requirement_weeks: weeks === undefined || weeks === 0 ? 1 : weeks,
        }),
    ...(request.autostart_requirement === undefined
      ? {}
      : {
          autostart_block_days: ~weekdayBits(request.autostart_requirement.days_of_week ?? []) & ALL_DAYS,
        }),
  }
}

function checkDurations(
  given: Readonly<Record<string, number | undefined>>,
  least: number,
  faults: Validation[],
): void {
  for (const [field, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (value < 0 || (value > 0 && value < least))
      faults.push({
        field,
        detail: least === 0 ? 'must not be negative' : `must be 0 or at least ${least} milliseconds`,
      })
    if (value > MAX_MS) faults.push({ field, detail: `must be at most ${MAX_MS} milliseconds (ten years)` })
  }
}

/** Milliseconds of the API as nanoseconds of the database. */
function columns<Name extends string>(
  given: Readonly<Record<Name, number | undefined>>,
): { [Column in Name]?: number } {
  const result: { [Column in Name]?: number } = {}
  for (const name of keysOf(given)) {
    const value = given[name]
    if (value !== undefined) result[name] = value * NS_PER_MS
  }
  return result
}

function keysOf<Name extends string>(record: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(record) as Name[]
}

function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
