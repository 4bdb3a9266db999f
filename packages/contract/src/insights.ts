import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Insights'

/** Users of a day that were active in it. */
export const DAUEntry = Type.Object({ date: Type.String(), amount: Type.Integer() })

/** Active users by day; the offset is echoed as it was given: hours west of UTC (OP-160). */
export const DAUsResponse = Type.Object({
  tz_hour_offset: Type.Integer(),
  entries: Type.Array(DAUEntry),
})
export type DAUsResponse = Static<typeof DAUsResponse>

const tzOffset = Type.Optional(Type.Integer({ minimum: -14, maximum: 12 }))

export const getDeploymentDaus = route('GET /api/v2/insights/daus', {
  id: 'get-deployment-daus',
  tag,
  query: Type.Object({ tz_offset: tzOffset }),
  responses: { 200: DAUsResponse },
})

export const getTemplateDaus = route('GET /api/v2/templates/{template}/daus', {
  id: 'get-template-daus-by-id',
  tag: 'Templates',
  query: Type.Object({ tz_offset: tzOffset }),
  responses: { 200: DAUsResponse },
})

/** What a report is of: from a day to another one, and which templates; all where none is named (WS-272). */
const period = {
  start_time: Type.String({ maxLength: 64 }),
  end_time: Type.String({ maxLength: 64 }),
  template_ids: Type.Optional(Type.Array(Type.String())),
}

const reportHead = { start_time: Time, end_time: Time, template_ids: Type.Array(Uuid) }

const userHead = {
  template_ids: Type.Array(Uuid),
  user_id: Uuid,
  username: Type.String(),
  avatar_url: Type.String(),
}

/** How long somebody was active. */
export const UserActivity = Type.Object({ ...userHead, seconds: Type.Integer() })
export type UserActivity = Static<typeof UserActivity>

export const UserActivityInsightsReport = Type.Object({ ...reportHead, users: Type.Array(UserActivity) })
export const UserActivityInsightsResponse = Type.Object({ report: UserActivityInsightsReport })

export const getUserActivity = route('GET /api/v2/insights/user-activity', {
  id: 'get-insights-about-user-activity',
  tag,
  query: Type.Object(period),
  responses: { 200: UserActivityInsightsResponse },
})

export const ConnectionLatency = Type.Object({ p50: Type.Number(), p95: Type.Number() })

/** How far somebody's workspaces were away. */
export const UserLatency = Type.Object({ ...userHead, latency_ms: ConnectionLatency })
export type UserLatency = Static<typeof UserLatency>

export const UserLatencyInsightsReport = Type.Object({ ...reportHead, users: Type.Array(UserLatency) })
export const UserLatencyInsightsResponse = Type.Object({ report: UserLatencyInsightsReport })

export const getUserLatency = route('GET /api/v2/insights/user-latency', {
  id: 'get-insights-about-user-latency',
  tag,
  query: Type.Object(period),
  responses: { 200: UserLatencyInsightsResponse },
})

/** How long an app was used by all, and how often one of the template was begun to be used. */
export const TemplateAppUsage = Type.Object({
  template_ids: Type.Array(Uuid),
  type: Type.Enum(['builtin', 'app']),
  display_name: Type.String(),
  slug: Type.String(),
  icon: Type.String(),
  seconds: Type.Integer(),
  times_used: Type.Integer(),
})
export type TemplateAppUsage = Static<typeof TemplateAppUsage>

export const TemplateParameterValue = Type.Object({ value: Type.String(), count: Type.Integer() })

/** Which values workspaces were built with. */
export const TemplateParameterUsage = Type.Object({
  template_ids: Type.Array(Uuid),
  display_name: Type.String(),
  name: Type.String(),
  type: Type.String(),
  description: Type.String(),
  options: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        description: Type.String(),
        value: Type.String(),
        icon: Type.String(),
      }),
    ),
  ),
  values: Type.Array(TemplateParameterValue),
})
export type TemplateParameterUsage = Static<typeof TemplateParameterUsage>

export const TemplateInsightsReport = Type.Object({
  ...reportHead,
  active_users: Type.Integer(),
  apps_usage: Type.Array(TemplateAppUsage),
  parameters_usage: Type.Array(TemplateParameterUsage),
})

export const TemplateInsightsIntervalReport = Type.Object({
  ...reportHead,
  interval: Type.Enum(['day', 'week']),
  active_users: Type.Integer(),
})
export type TemplateInsightsIntervalReport = Static<typeof TemplateInsightsIntervalReport>

/** The sections that were asked for. */
export const TemplateInsightsResponse = Type.Object({
  report: Type.Optional(TemplateInsightsReport),
  interval_reports: Type.Optional(Type.Array(TemplateInsightsIntervalReport)),
})
export type TemplateInsightsResponse = Static<typeof TemplateInsightsResponse>

export const getTemplateInsights = route('GET /api/v2/insights/templates', {
  id: 'get-insights-about-templates',
  tag,
  query: Type.Object({
    ...period,
    interval: Type.Optional(Type.String({ maxLength: 16 })),
    sections: Type.Optional(Type.Array(Type.String())),
  }),
  responses: { 200: TemplateInsightsResponse },
})

export const UserStatusChangeCount = Type.Object({ date: Time, count: Type.Integer() })

/** By status, how many users had it at the end of each day; days bear the time of their beginning (WS-273). */
export const GetUserStatusCountsResponse = Type.Object({
  status_counts: Type.Record(Type.String(), Type.Array(UserStatusChangeCount)),
})
export type GetUserStatusCountsResponse = Static<typeof GetUserStatusCountsResponse>

export const getUserStatusCounts = route('GET /api/v2/insights/user-status-counts', {
  id: 'get-insights-about-user-status-counts',
  tag,
  query: Type.Object({
    timezone: Type.Optional(Type.String({ maxLength: 64 })),
    tz_offset: tzOffset,
    // It has no effect any more (OP-160).
    interval: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  responses: { 200: GetUserStatusCountsResponse },
})
