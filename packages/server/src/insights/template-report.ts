import type { TemplateAppUsage, TemplateInsightsResponse, TemplateParameterUsage } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { formatTime, type Interval, type Period } from './period.ts'
import {
  type BuiltInUse,
  listAppUse,
  listBuiltInUse,
  listParameterUse,
  type ValueCount,
} from './store/apps.ts'
import type { InsightsScope } from './store/scope.ts'
import { countActiveUsers } from './store/usage.ts'

/** Ways to work that every template has, in the order of reports (WS-272). */
const BUILT_IN = [
  { use: 'vscode', slug: 'vscode', display_name: 'Visual Studio Code', icon: '/icon/code.svg' },
  { use: 'jetbrains', slug: 'jetbrains', display_name: 'JetBrains', icon: '/icon/intellij.svg' },
  {
    use: 'reconnecting_pty',
    slug: 'reconnecting-pty',
    display_name: 'Web Terminal',
    icon: '/icon/terminal.svg',
  },
  { use: 'ssh', slug: 'ssh', display_name: 'SSH', icon: '/icon/terminal.svg' },
  { use: 'sftp', slug: 'sftp', display_name: 'SFTP', icon: '/icon/terminal.svg' },
] as const

/** What a report on templates is of. */
export interface TemplateReportRequest {
  readonly scope: InsightsScope
  readonly period: Period
  /** Whether the whole period is reported. */
  readonly whole: boolean
  /** The parts of it that are reported too. */
  readonly parts: { readonly unit: 'day' | 'week'; readonly intervals: readonly Interval[] } | undefined
}

/** How templates were used: who, with what, and with which parameters (WS-272). @throws ApiError 404 (WS-274). */
export async function reportTemplates(
  actor: Actor,
  db: Db,
  { scope, period, whole, parts }: TemplateReportRequest,
): Promise<TemplateInsightsResponse> {
  const at = (time: Date): string => formatTime(time, period.offsetMinutes)
  const answer: TemplateInsightsResponse = {}
  if (whole) {
    const [total] = await countActiveUsers(actor, db, scope, [period])
    answer.report = {
      start_time: at(period.start),
      end_time: at(period.end),
      template_ids: total?.template_ids ?? [],
      active_users: total?.active_users ?? 0,
      apps_usage: [
        ...builtInUsage(await listBuiltInUse(actor, db, scope, period)),
        ...(await listAppUse(actor, db, scope, period)).map((app) => ({ ...app, type: 'app' as const })),
      ],
      parameters_usage: parameterUsage(await listParameterUse(actor, db, scope, period)),
    }
  }
  if (parts !== undefined) {
    const { unit, intervals } = parts
    const counts = await countActiveUsers(actor, db, scope, intervals)
    answer.interval_reports = intervals.map(({ start, end }, i) => ({
      start_time: at(start),
      end_time: at(end),
      template_ids: counts[i]?.template_ids ?? [],
      interval: unit,
      active_users: counts[i]?.active_users ?? 0,
    }))
  }
  return answer
}

/** All of them, also those that nobody has used. How often they were begun to be used is not known. */
function builtInUsage(used: readonly BuiltInUse[]): TemplateAppUsage[] {
  return BUILT_IN.map(({ use, ...shown }) => {
    const found = used.find(({ slug }) => slug === use)
    const { seconds = 0, template_ids = [] } = found ?? {}
    return { template_ids, type: 'builtin', ...shown, seconds, times_used: 0 }
  })
}

/** Rows of one parameter follow each other, and are told together. */
function parameterUsage(rows: readonly ValueCount[]): TemplateParameterUsage[] {
  const usages = new Map<
    string,
    { readonly usage: TemplateParameterUsage; readonly templates: Set<string> }
  >()
  for (const { value, count, template_ids, options, ...described } of rows) {
    const key = JSON.stringify([described, options])
    const known = usages.get(key) ?? {
      usage: { ...described, ...optionsOf(options), template_ids: [], values: [] },
      templates: new Set<string>(),
    }
    known.usage.values.push({ value, count })
    for (const id of template_ids) known.templates.add(id)
    usages.set(key, known)
  }
  return [...usages.values()].map(({ usage, templates }) => ({
    ...usage,
    template_ids: [...templates].sort(),
  }))
}

/** What a parameter may be chosen from, where it is chosen. */
function optionsOf(stored: unknown): Pick<TemplateParameterUsage, 'options'> {
  if (!Array.isArray(stored) || stored.length === 0) return {}
  const text = (option: unknown, name: string): string => {
    const value: unknown =
      typeof option === 'object' && option !== null ? Reflect.get(option, name) : undefined
    return typeof value === 'string' ? value : ''
  }
  return {
    options: stored.map((option: unknown) => ({
      name: text(option, 'name'),
      description: text(option, 'description'),
      value: text(option, 'value'),
      icon: text(option, 'icon'),
    })),
  }
}
