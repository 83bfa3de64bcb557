// Of version 18. Whatever is acknowledged is on disk; memory is sized for one application on a small machine.
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '64MB',
  fsync: 'on',
  synchronous_commit: 'on',
  // No processes of its own for reading: with them an idle server takes 54 MB, without 12 MB.
  io_method: 'sync',
  idle_in_transaction_session_timeout: '10s',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** The setting that names the process whose end is the server's end. */
export const OWNER = 'sanmon.owner';

/** The command line of a server; `extra` wins over what is set here, save for port and owner. */
export function settingArguments(port: number, extra: Record<string, string>): string[] {
  const all = { ...SETTINGS, ...extra, port: String(port), [OWNER]: String(process.pid) };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
