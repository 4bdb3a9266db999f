import { expect, it } from 'vitest'

import type { Task, WorkspaceStatus } from '@slipway/contract'
import { aTask } from './task.fixture.ts'
import { takesMessages, taskStage } from './task-stage.ts'

const stage = (status: Task['status'], workspace: WorkspaceStatus) =>
  taskStage(aTask({ status, workspace_status: workspace }), undefined)

it('UI-1202: each state has its stage', () => {
  expect(stage('pending', 'starting')).toBe('building')
  expect(stage('initializing', 'starting')).toBe('building')
  expect(stage('initializing', 'running')).toBe('starting')
  expect(stage('active', 'running')).toBe('active')
  expect(stage('unknown', 'stopping')).toBe('pausing')
  expect(stage('paused', 'stopped')).toBe('paused')
  expect(stage('error', 'running')).toBe('error')
  for (const status of ['failed', 'canceled', 'canceling'] as const)
    expect(stage('error', status)).toBe('failed-build')
  expect(stage('unknown', 'deleting')).toBe('deleting')
  // A deletion that succeeded counts as paused (WS-255).
  expect(stage('paused', 'deleted')).toBe('deleted')
  expect(taskStage(aTask({ status: 'pending', workspace_id: null }), undefined)).toBe('deleted')
  expect(stage('unknown', 'running')).toBe('unknown')
})

it('UI-1203: messages are taken wherever they will reach the task by themselves', () => {
  expect((['building', 'starting', 'active', 'pausing', 'paused'] as const).every(takesMessages)).toBe(true)
  expect((['failed-build', 'error', 'deleting', 'deleted', 'unknown'] as const).some(takesMessages)).toBe(
    false,
  )
})
