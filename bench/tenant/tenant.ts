/** A tenant that runs; contenders are put in front of it. */
export interface Tenant {
  readonly origin: string;
  readonly port: number;
  /** Who vouches for its certificate; absent for a plain one. */
  readonly caFile?: string;
  /** Connections that it has taken so far, where it counts them. */
  connectionsTaken?(): Promise<number>;
  stop(): Promise<void>;
}
