export { describeDeployment } from './deployment-metrics.ts'
export { DeploymentStats } from './deployment-stats.ts'
export { deploymentRoutes } from './routes.ts'
export { ensureDeploymentId } from './store.ts'
