export { addGauge, databaseFigures } from './database-figures.ts'
export { describeProcess } from './process-series.ts'
export { metricsRoutes } from './routes.ts'
