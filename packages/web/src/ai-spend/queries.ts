import { queryOptions } from '@tanstack/react-query'

import {
  getGroupAIBudget,
  getGroupAILimits,
  getGroupAIModelPolicy,
  getGroupAISpend,
  getGroupMembersAISpend,
  getOrganizationAIGovernance,
  getOrganizationAIPrivacy,
  getOrganizationAISpendDaily,
  getOrganizationGroupsAISpend,
  getUserAIBudgetOverride,
  getUserAISpend,
  type OrganizationGroupAISpend,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'

/** What an organization has spent on each day, and on what. */
export function dailySpendQuery(organization: string, days: number) {
  return queryOptions({
    queryKey: ['ai-spend', organization, 'daily', days],
    queryFn: ({ signal }) =>
      api.call(getOrganizationAISpendDaily, {
        params: { organization },
        query: { days, top: 50 },
        signal,
      }),
  })
}

/** Budgets, limits and model policies of an organization and its groups. */
export function governanceQuery(organization: string) {
  return queryOptions({
    queryKey: ['ai-governance', organization],
    queryFn: ({ signal }) => api.call(getOrganizationAIGovernance, { params: { organization }, signal }),
  })
}

export function privacyQuery(organization: string) {
  return queryOptions({
    queryKey: ['ai-privacy', organization],
    queryFn: ({ signal }) => api.call(getOrganizationAIPrivacy, { params: { organization }, signal }),
  })
}

/** As many groups or users as one question may name (AG-116). */
const MOST_IDS = 100

export interface GroupsSpend {
  readonly byGroup: ReadonlyMap<string, OrganizationGroupAISpend>
  readonly period_start: string
  readonly period_end: string
}

/** What groups have spent in this period, by id. */
export function groupsSpendQuery(organization: string, groups: readonly string[]) {
  return queryOptions({
    queryKey: ['ai-spend', organization, 'groups', groups],
    queryFn: async ({ signal }): Promise<GroupsSpend | null> => {
      const byGroup = new Map<string, OrganizationGroupAISpend>()
      let period: { period_start: string; period_end: string } | undefined
      for (let from = 0; from < groups.length; from += MOST_IDS) {
        const answer = await api.call(getOrganizationGroupsAISpend, {
          params: { organization },
          query: { group_ids: groups.slice(from, from + MOST_IDS).join(',') },
          signal,
        })
        for (const spend of answer.groups) byGroup.set(spend.group_id, spend)
        period = answer
      }
      return period === undefined
        ? null
        : { byGroup, period_start: period.period_start, period_end: period.period_end }
    },
  })
}

export function groupSpendQuery(group: string) {
  return queryOptions({
    queryKey: ['ai-spend', 'group', group],
    queryFn: ({ signal }) => api.call(getGroupAISpend, { params: { group }, signal }),
  })
}

/** What members of a group have spent at its expense. */
export function membersSpendQuery(group: string, users: readonly string[]) {
  return queryOptions({
    queryKey: ['ai-spend', 'group', group, 'members', users],
    queryFn: ({ signal }) =>
      api.call(getGroupMembersAISpend, {
        params: { group },
        query: { user_ids: users.slice(0, MOST_IDS).join(',') },
        signal,
      }),
    enabled: users.length > 0,
  })
}

/** Everything that is set for a group; null is what is not. */
export function groupRulesQuery(group: string) {
  return queryOptions({
    queryKey: ['ai-group-rules', group],
    queryFn: async ({ signal }) => {
      const params = { group }
      const [budget, limits, policy] = await Promise.all([
        orNull(api.call(getGroupAIBudget, { params, signal })),
        orNull(api.call(getGroupAILimits, { params, signal })),
        orNull(api.call(getGroupAIModelPolicy, { params, signal })),
      ])
      return { budget, limits, policy }
    },
  })
}

/** Where a user stands, and what was set for them alone. */
export function userBudgetQuery(user: string) {
  return queryOptions({
    queryKey: ['ai-spend', 'user', user],
    queryFn: async ({ signal }) => {
      const params = { user }
      const [status, override] = await Promise.all([
        api.call(getUserAISpend, { params, signal }),
        orNull(api.call(getUserAIBudgetOverride, { params, signal })),
      ])
      return { status, override }
    },
  })
}

export const ownSpendQuery = queryOptions({
  queryKey: ['ai-spend', 'user', 'me'],
  queryFn: ({ signal }) => api.call(getUserAISpend, { params: { user: 'me' }, signal }),
})

/** What was never set is answered with 404. */
async function orNull<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** Everything that shows budgets, limits or what is spent of them is read again. */
export async function refreshBudgets(): Promise<void> {
  await Promise.all(
    ['ai-spend', 'ai-governance', 'ai-group-rules'].map((key) =>
      queries.invalidateQueries({ queryKey: [key] }),
    ),
  )
}
