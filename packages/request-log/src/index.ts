export { LogDestinations, type LogFormat, type LogTargets } from './destinations.ts'
export {
  createLogger,
  describeError,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogValue,
  silentLogger,
} from './logger.ts'
export {
  type ClientFacts,
  clientMembers,
  logMember,
  logRequestLine,
  logsRequest,
  targetMembers,
} from './request-line.ts'
export { LogSink } from './sink.ts'
