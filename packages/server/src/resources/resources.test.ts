import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { agentHealth } from './agent-health.ts'
import { deleteAgentsOfOtherBuilds, listResources } from './store/resources.ts'

describe('health of an agent', () => {
  it.each([
    ['connected', 'ready', ''],
    ['connected', 'created', ''],
    ['connected', 'starting', ''],
    ['connected', 'start_timeout', ''],
    ['connected', 'off', ''],
    ['disconnected', 'off', 'agent is not running'],
    ['connecting', 'created', 'agent has not yet connected'],
    ['timeout', 'created', 'agent is taking too long to connect'],
    ['disconnected', 'ready', 'agent has lost connection'],
    ['disconnected', 'start_error', 'agent has lost connection'],
    ['connected', 'start_error', 'agent startup script exited with an error'],
    ['connected', 'shutting_down', 'agent is shutting down'],
    ['connected', 'shutdown_timeout', 'agent is shutting down'],
    ['connected', 'shutdown_error', 'agent is shutting down'],
  ] as const)('WS-143: %s and %s: %s', (status, lifecycle_state, reason) => {
    expect(agentHealth({ status, lifecycle_state })).toEqual({ healthy: reason === '', reason })
  })
})

describe('resources of a build', () => {
  const actor = systemActor('provisionerd', 'carries out a build for its initiator')
  let source: TestDatabase
  let database: Database

  beforeAll(async () => {
    source = await createTestDatabase()
    database = await openDatabase(source.url, { maxConnections: 2 })
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  it('WS-188, WS-306: come by the smallest order of their agents, then by name; agents by order and name', async () => {
    const { db } = database
    const build = await fixtures.workspaceBuild(db)
    for (const [name, agents] of [
      ['without', []],
      ['beta', [['later', 2]]],
      ['alpha', [['late', 2]]],
      [
        'omega',
        [
          ['zed', 1],
          ['Ann', 3],
          ['adam', 3],
        ],
      ],
    ] as const) {
      const resource = await fixtures.workspaceResource(db, { build, name })
      for (const [agent, display_order] of agents)
        await fixtures.workspaceAgent(db, { resource, name: agent, display_order })
    }
    const listed = await listResources(actor, db, [build.job_id])
    expect(listed.map((one) => [one.name, one.agents.map((agent) => agent.name)])).toEqual([
      ['omega', ['zed', 'adam', 'Ann']],
      ['alpha', ['late']],
      ['beta', ['later']],
      ['without', []],
    ])
  })

  it('WS-33: only the agents of the build that is kept stay', async () => {
    const { db } = database
    const workspace = await fixtures.workspace(db)
    const [old, kept] = [
      await fixtures.workspaceBuild(db, { workspace }),
      await fixtures.workspaceBuild(db, { workspace }),
    ]
    const other = await fixtures.workspaceBuild(db)
    for (const build of [old, kept, other])
      await fixtures.workspaceAgent(db, { resource: await fixtures.workspaceResource(db, { build }) })
    const left = async () => {
      const listed = await listResources(actor, db, [old.job_id, kept.job_id, other.job_id])
      return [old, kept, other].map(
        (build) => listed.find((one) => one.job_id === build.job_id)?.agents.length,
      )
    }
    await deleteAgentsOfOtherBuilds(actor, db, workspace.id, kept.job_id)
    expect(await left()).toEqual([0, 1, 1])
    await deleteAgentsOfOtherBuilds(actor, db, workspace.id, undefined)
    expect(await left()).toEqual([0, 0, 1])
  })
})
