import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

export const GitSSHKey = Type.Object({
  created_at: Time,
  public_key: Type.String(),
  updated_at: Time,
  user_id: Uuid,
})
export type GitSSHKey = Static<typeof GitSSHKey>

export const agentsdkGitSSHKey = Type.Object({
  private_key: Type.String(),
  public_key: Type.String(),
})
export type agentsdkGitSSHKey = Static<typeof agentsdkGitSSHKey>

export const getGitSshKey = route('GET /api/v2/users/{user}/gitsshkey', {
  id: 'get-user-git-ssh-key',
  tag: 'Users',
  responses: { 200: GitSSHKey },
})

export const regenerateGitSshKey = route('PUT /api/v2/users/{user}/gitsshkey', {
  id: 'regenerate-user-ssh-key',
  tag: 'Users',
  responses: { 200: GitSSHKey },
})

export const getAgentGitSshKey = route('GET /api/v2/workspaceagents/me/gitsshkey', {
  id: 'get-workspace-agent-git-ssh-key',
  tag: 'Users',
  security: 'agent',
  responses: { 200: agentsdkGitSSHKey },
})
