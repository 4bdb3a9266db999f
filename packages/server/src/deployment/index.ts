export { deploymentRoutes } from './routes.ts'
export { ensureDeploymentId } from './store.ts'
