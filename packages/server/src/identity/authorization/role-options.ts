import type { RoleOptions } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'

/** The switches of the deployment that reshape roles (RB-25). */
export function roleOptions({ config }: Pick<AppContext, 'config'>): RoleOptions {
  return {
    disableOwnerWorkspaceAccess: config.disableOwnerWorkspaceAccess,
    disableWorkspaceSharing: config.disableWorkspaceSharing,
    disableChatSharing: config.disableChatSharing,
    disableTasks: !config.enableAiTasks,
  }
}
