package main

import "github.com/spf13/cobra"

func newInitCommand(_ *globals) *cobra.Command { return &cobra.Command{Use: "init"} }
