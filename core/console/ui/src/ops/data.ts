import { useQuery } from "@tanstack/react-query";
import { api, read, type Schema } from "../api";

export type Edge = Schema<"EdgeView">;
export type EdgePage = Schema<"EdgePageView">;
export type Overview = Schema<"OpsView">;
export type Shop = Schema<"ShopView">;
export type LogLine = Schema<"LogLineView">;
export type ModuleSet = Schema<"ModuleSetView">;

// Operators have no merchant, so no stream of live messages: their pages ask again.
export const askEvery = 2000;

const asking = { refetchInterval: askEvery, retry: false } as const;

export const useOverview = () =>
  useQuery({ queryKey: ["ops"], queryFn: () => read(api.GET("/ops")), ...asking });

export const useEdge = (edge: string) =>
  useQuery({
    queryKey: ["ops edge", edge],
    queryFn: () => read(api.GET("/ops/edges/{edge}", { params: { path: { edge } } })),
    ...asking,
  });

export const useModules = () =>
  useQuery({ queryKey: ["ops modules"], queryFn: () => read(api.GET("/ops/modules")), ...asking });
