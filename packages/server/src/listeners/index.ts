export { Listeners } from './listeners.ts'
export { MetricsListener } from './metrics-listener.ts'
export { checkCertificates } from './tls-listener.ts'
