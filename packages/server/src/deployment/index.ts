export { describeDeployment } from './deployment-metrics.ts'
export { deploymentRoutes } from './routes.ts'
export { ensureDeploymentId } from './store.ts'
