import { describe, expect, it } from 'vitest'

import type { WorkspaceStatus } from '@slipway/contract'
import { availableActions, type Viewer } from './workspace-actions.ts'

const NOW = Date.parse('2026-05-04T12:00:00Z')
const before = (milliseconds: number) => new Date(NOW - milliseconds).toISOString()
const member: Viewer = { siteOwner: false, templateUpdater: false }

function actions(
  status: WorkspaceStatus,
  over: Partial<Omit<Parameters<typeof availableActions>[0], 'latest_build'>> & {
    readonly external?: boolean
    readonly job?: { readonly started_at?: string; readonly canceled_at?: string }
  } = {},
  viewer = member,
) {
  return availableActions(
    {
      dormant_at: null,
      outdated: false,
      automatic_updates: 'never',
      template_require_active_version: false,
      template_allow_user_cancel_workspace_jobs: false,
      ...over,
      latest_build: { status, has_external_agent: over.external === true, job: over.job ?? {} },
    },
    viewer,
    NOW,
  )
}

describe('UI-711: actions by status', () => {
  it.each([
    ['pending', ['cancel']],
    ['starting', []],
    ['stopping', []],
    ['running', ['stop', 'restart', 'delete']],
    ['stopped', ['start', 'delete']],
    ['canceled', ['start', 'stop', 'delete']],
    ['failed', ['retry', 'delete']],
    ['deleting', ['cancel']],
    ['canceling', []],
    ['deleted', []],
  ] as const)('%s offers %j', (status, expected) => {
    expect(actions(status)).toEqual(expected)
  })

  it('a build under way can be canceled where the template allows it, and by site owners', () => {
    expect(actions('starting', { template_allow_user_cancel_workspace_jobs: true })).toEqual(['cancel'])
    expect(actions('stopping', {}, { siteOwner: true, templateUpdater: false })).toEqual(['cancel'])
  })

  it('WS-317: its owner can cancel a build that has run for long, and end by force what does not end', () => {
    expect(actions('starting', { job: { started_at: before(299_000) } })).toEqual([])
    expect(actions('starting', { job: { started_at: before(300_000) } })).toEqual(['cancel'])
    expect(actions('canceling', { job: { canceled_at: before(29_000) } })).toEqual([])
    expect(actions('canceling', { job: { canceled_at: before(30_000) } })).toEqual(['force-stop'])
    expect(actions('canceling', { external: true, job: { canceled_at: before(60_000) } })).toEqual([
      'force-stop',
    ])
  })

  it('an outdated workspace has the choice', () => {
    expect(actions('running', { outdated: true })).toEqual(['stop', 'restart', 'update-restart', 'delete'])
    expect(actions('stopped', { outdated: true })).toEqual(['start', 'update-start', 'delete'])
    expect(actions('failed', { outdated: true })).toEqual(['retry', 'update-start', 'delete'])
  })

  it('unless the template or the workspace wants the active version', () => {
    expect(actions('running', { outdated: true, template_require_active_version: true })).toEqual([
      'stop',
      'update-restart',
      'delete',
    ])
    expect(actions('stopped', { outdated: true, automatic_updates: 'always' })).toEqual([
      'update-start',
      'delete',
    ])
  })

  it('debug logs are for those who may update the template', () => {
    expect(actions('failed', {}, { siteOwner: false, templateUpdater: true })).toContain('retry-debug')
  })

  it('a dormant one can be activated, one whose agent runs elsewhere only be removed', () => {
    expect(actions('stopped', { dormant_at: '2026-01-01T00:00:00Z' })).toEqual(['activate', 'delete'])
    expect(actions('running', { external: true })).toEqual(['delete'])
  })
})
