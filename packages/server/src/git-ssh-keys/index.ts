export { gitSshKeyOf } from './git-ssh-key.ts'
export { gitSshKeyRoutes } from './routes.ts'
