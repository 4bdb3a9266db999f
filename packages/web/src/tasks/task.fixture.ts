import type { Task } from '@slipway/contract'

/** A task that runs. */
export function aTask(change: Partial<Task> = {}): Task {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    organization_id: '00000000-0000-4000-8000-000000000002',
    owner_id: '00000000-0000-4000-8000-000000000003',
    owner_name: 'owner',
    name: 'mend-the-login-3f2a',
    display_name: 'Mend the login',
    template_id: '00000000-0000-4000-8000-000000000004',
    template_version_id: '00000000-0000-4000-8000-000000000005',
    template_name: 'coder',
    template_display_name: '',
    template_icon: '',
    workspace_id: '00000000-0000-4000-8000-000000000006',
    workspace_name: 'mend-the-login-3f2a',
    workspace_status: 'running',
    workspace_build_number: 1,
    workspace_agent_id: '00000000-0000-4000-8000-000000000007',
    workspace_agent_lifecycle: 'ready',
    workspace_agent_health: { healthy: true, reason: '' },
    workspace_app_id: '00000000-0000-4000-8000-000000000008',
    initial_prompt: 'Mend the login: it loops when the session has expired.',
    status: 'active',
    current_state: null,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    ...change,
  }
}
